"""Payments on their way: sealed, durable before they leave, and ended by whatever the bank says, in whatever order."""

import asyncio
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from qingdan.bank_events import PaymentInstructed, PaymentStatusRequested
from qingdan.event import Tombstone
from runtime import sealing
from runtime.actor import Actor, Role
from runtime.db import transaction
from runtime.problems import Forbidden
from subsidy import payment_store
from subsidy.ask_silent_payments import ask_silent_payments
from subsidy.instruct_payments import BankKeyMissing, Desk, instruct_payments
from subsidy.list_oddities import list_oddities
from subsidy.list_payments import PaymentView, list_payments
from subsidy.pay_again import PaidAgain, pay_again
from subsidy.payment_rules import HELD_ON, BankMessage, PaymentState
from subsidy.run_rules import NothingToPayAgain, RunNotThere, SecondPersonNeeded
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, OTHER_COUNTY, Scene
from tests.integration.subsidy.frozen_run import (
    AMOUNT_FEN,
    Payday,
    answered,
    rejected,
    returned,
    reversed_,
    settled,
    stranger,
)


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


async def ask(payday: Payday, *, silent: timedelta = timedelta(0)) -> int:
    """Ask for what has been silent for so long; how many were asked for."""
    before = len(await payday.scene.told(PaymentStatusRequested.event_type()))
    while await ask_silent_payments(payday.scene.pool, payday.scene.service, silent):
        pass
    return len(await payday.scene.told(PaymentStatusRequested.event_type())) - before


async def states(payday: Payday) -> list[str]:
    return [payment.state for payment in await payday.payments()]


async def again(payday: Payday, payment: PaymentView) -> PaidAgain:
    """The approver has what failed paid once more; it is sent at once."""
    scene, version = payday.scene, await payday.version(payment.run)
    paid = await pay_again(scene.pool, scene.approver, payment.run, expected=version)
    await payday.instruct()
    return paid


# -- out --------------------------------------------------------------------------------------------------------------


async def test_the_bank_reads_who_is_paid_what_and_nobody_else_does(payday: Payday) -> None:
    payments = await payday.sent(3)
    orders = await payday.orders()
    assert [(order.payment, order.amount_fen, order.seq) for order in orders] == [
        (payment.payment, AMOUNT_FEN, seq) for seq, payment in enumerate(payments, 1)
    ]
    assert {(order.programme, order.period, order.payee.reveal()) for order in orders} == {
        ("B01", "2026-07", "金丝雀甄")
    }
    leaves = await payday.outbox_text()
    rests = str(await payday.scene.rows("SELECT sealed FROM instruction")) + str(
        await payday.scene.rows("SELECT after, before FROM audit_entry")
    )
    for order in orders:
        assert order.account.reveal() not in leaves + rests
    assert "金丝雀" not in leaves + rests
    assert await payday.books() == {"budget": -3 * AMOUNT_FEN, "in_transit": 3 * AMOUNT_FEN}


@pytest.mark.parametrize("per_turn", [1, 2, 3, 4])
async def test_a_run_goes_out_in_batches_that_add_up(payday: Payday, per_turn: int) -> None:
    payday.per_batch, payday.per_turn = 2, per_turn
    payments = await payday.sent(5)
    declared = await payday.scene.told("batch.declared.v1")
    assert [(body["count"], body["total_fen"]) for body in declared] == [(n, n * AMOUNT_FEN) for n in (2, 2, 1)]
    assert len({body["key"]["key"] for body in declared}) == 3  # a key of its own each
    assert {payment.batch for payment in payments} == {order.batch for order in await payday.orders()}
    (paying,) = await payday.scene.told("run.paying.v1")
    assert paying["instructed"] == {"payments": 5, "total_fen": 5 * AMOUNT_FEN}
    assert await payday.instruct() == 0


async def test_several_replicas_send_each_payment_once(payday: Payday) -> None:
    payday.per_batch = 7
    for period in ("2026-07", "2026-08"):
        await payday.approve(await payday.previewed(await payday.people(40), period=period))
    await asyncio.gather(*(payday.instruct() for _ in range(4)))
    await payday.instruct()  # what one left to another that held it
    orders = [order.payment for order in await payday.orders()]
    assert sorted(orders) == [payment.payment for payment in await payday.payments()]
    assert await payday.books() == {"budget": -80 * AMOUNT_FEN, "in_transit": 80 * AMOUNT_FEN}
    assert len(await payday.scene.told("run.paying.v1")) == 2


async def test_a_fault_in_one_batch_of_a_turn_leaves_nothing_of_the_others(
    payday: Payday, monkeypatch: pytest.MonkeyPatch
) -> None:
    payday.per_batch, payday.per_turn = 2, 3
    await payday.approve(await payday.previewed(await payday.people(5)))
    real, batches = payment_store.save_sent, list[object]()

    async def fail_with_the_second(*args: Any) -> None:
        batches.append(args)
        if len(batches) == 2:
            raise TimeoutError
        await real(*args)

    with monkeypatch.context() as patched:
        patched.setattr(payment_store, "save_sent", fail_with_the_second)
        with pytest.raises(TimeoutError):
            await payday.instruct()
    assert await states(payday) == ["prepared"] * 5
    assert await payday.scene.told("payment.instructed.v1", "batch.declared.v1") == []
    await payday.instruct()
    assert len(await payday.orders()) == 5
    assert await payday.books() == {"budget": -5 * AMOUNT_FEN, "in_transit": 5 * AMOUNT_FEN}


async def test_nothing_leaves_unless_it_is_written_that_it_left(
    payday: Payday, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault anywhere before the commit leaves no event, no state and no entry behind."""
    run = await payday.previewed(await payday.people(2))
    await payday.approve(run)

    async def fail(*_: object, **__: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr("subsidy.run_store.save_paying", fail)
        with pytest.raises(TimeoutError):
            await payday.instruct()
    assert await payday.scene.told("payment.instructed.v1", "batch.declared.v1") == []
    assert await states(payday) == ["prepared"] * 2
    await payday.instruct()
    assert len(await payday.orders()) == 2


async def test_who_has_no_account_is_rejected_and_the_others_are_paid(payday: Payday) -> None:
    scene = payday.scene
    fine, no_account, forgotten, unreadable, swapped, mistaken = await payday.people(6)
    await scene.hear_records(payday.identity(no_account, account=None), Tombstone(key=str(forgotten)))
    await scene.hear_records(payday.identity(mistaken, of=fine))  # another's account under this one's name
    sealing.write_key_pair(payday.directory / "other.json", payday.directory / "service-public.json", "service:subsidy")
    await scene.hear_records(payday.identity(unreadable))  # wrapped to a key that we do not have
    await scene.rows(
        "UPDATE identity i SET keys = o.keys, sealed = o.sealed FROM identity o"
        " WHERE i.person_id = $1 AND o.person_id = $2 RETURNING i.person_id",
        swapped,
        fine,
    )
    run = await payday.previewed([fine, no_account, forgotten, unreadable, swapped, mistaken])
    await payday.approve(run)
    await payday.instruct()
    by_payee = {payment.beneficiary: (payment.state, payment.reason) for payment in await payday.payments(run)}
    assert by_payee == {
        fine: ("sent", None),
        no_account: ("rejected", "no_account"),
        forgotten: ("rejected", "no_account"),
        unreadable: ("rejected", "identity_unreadable"),
        swapped: ("rejected", "identity_unreadable"),
        mistaken: ("rejected", "identity_unreadable"),
    }
    assert [order.payment for order in await payday.orders()] == [
        payment.payment for payment in await payday.payments(run) if payment.state == "sent"
    ]
    assert await payday.books() == {
        "budget": -6 * AMOUNT_FEN,
        "payable": 5 * AMOUNT_FEN,
        "in_transit": AMOUNT_FEN,
    }
    (paying,) = await scene.told("run.paying.v1")
    assert paying["instructed"]["payments"] == 1  # attempts that went to the bank


async def test_without_the_banks_key_nothing_is_sent_and_nobody_is_rejected(payday: Payday) -> None:
    await payday.approve(await payday.previewed(await payday.people(2)))
    scene, ours = payday.scene, payday.desk
    with pytest.raises(BankKeyMissing):
        await instruct_payments(
            scene.pool, scene.service, Desk("XYZ", ours.service_key_file, ours.bank_keys_file, 500, 1)
        )
    assert await states(payday) == ["prepared"] * 2


# -- in ---------------------------------------------------------------------------------------------------------------


async def test_results_end_payments_and_move_the_money(payday: Payday) -> None:
    one, two, three = await payday.sent(3)
    await payday.says(settled(one), rejected(two), settled(three), returned(three))
    assert await states(payday) == ["settled", "rejected", "returned"]
    assert [payment.reason for payment in await payday.payments()] == [None, "account_closed", "account_closed"]
    assert await payday.books() == {
        "budget": -3 * AMOUNT_FEN,
        "paid": AMOUNT_FEN,
        "payable": AMOUNT_FEN,
        "returned": AMOUNT_FEN,
    }
    assert await payday.oddities() == []


async def test_any_order_and_any_repetition_ends_in_the_same_books(payday: Payday) -> None:
    """Every true story in a shuffle of its own, heard in pieces."""
    payments, dice = await payday.sent(60), random.Random(20260720)
    expected, words = list[PaymentState](), list[BankMessage]()
    for payment in payments:
        stories: dict[PaymentState, list[BankMessage]] = {
            "settled": [settled(payment)],
            "rejected": [rejected(payment)],
            "returned": [settled(payment), returned(payment), answered(payment, "returned")],
            "reversed": [settled(payment), reversed_(payment)],
        }
        state = dice.choice(list(stories))
        expected.append(state)
        words += [*stories[state], answered(payment, "in_progress"), *dice.choices(stories[state], k=2)]
    dice.shuffle(words)
    for at in range(0, len(words), 50):
        await payday.says(*words[at : at + 50])
    assert await states(payday) == expected
    held = await payday.books()
    assert held.pop("budget") == -60 * AMOUNT_FEN
    accounts: list[str] = [HELD_ON[state] for state in expected]
    assert held == {account: accounts.count(account) * AMOUNT_FEN for account in set(accounts)}
    assert set(await payday.oddities()) <= {"repeated", "overtaken"}


async def test_what_is_odd_is_kept_counted_and_moves_nothing(payday: Payday) -> None:
    one, two = await payday.sent(2)
    strange = stranger()
    await payday.says(settled(one), strange)
    books = await payday.books()
    await payday.says(
        strange,
        settled(one),
        rejected(one),
        settled(one, bank_reference="R-OTHER"),
        settled(two, amount_fen=1),
        settled(two, bank="XYZ"),
        rejected(two, batch=strange.batch),
    )
    assert (await payday.books(), await states(payday)) == (books, ["settled", "sent"])
    scene = payday.scene
    listed = await list_oddities(scene.pool, scene.preparer, after=None, limit=50)
    assert {(odd.kind, odd.times, odd.payment) for odd in listed} == {
        ("unknown_payment", 2, strange.payment),
        ("repeated", 1, one.payment),
        ("contradicted", 1, one.payment),
        ("settled_twice", 1, one.payment),
        ("wrong_amount", 1, two.payment),
        ("foreign_bank", 1, two.payment),
        ("wrong_batch", 1, two.payment),
    }
    assert [odd.oddity for odd in await list_oddities(scene.pool, scene.preparer, after=listed[0].oddity, limit=1)] == [
        listed[1].oddity
    ]
    said = await payday.statistics()
    assert (said.oddities, said.oddities_by_kind["unknown_payment"]) == (8, 2)


async def test_oddities_are_seen_where_their_payment_is_and_by_finance_only(payday: Payday) -> None:
    (payment,) = await payday.sent(1)
    await payday.says(settled(payment, amount_fen=1), stranger())
    pool = payday.scene.pool
    seen = await list_oddities(pool, payday.scene.other_preparer, after=None, limit=50)
    assert [(odd.kind, odd.division) for odd in seen] == [("unknown_payment", None)]  # nobody's, so everybody's concern
    with pytest.raises(Forbidden):
        await list_oddities(pool, person(Role.TOWN_STAFF, COUNTY), after=None, limit=50)


async def test_payments_are_seen_in_their_division_and_department_only(payday: Payday) -> None:
    (payment,) = await payday.sent(1)
    pool, everything = payday.scene.pool, {"run": None, "state": None, "after": None, "limit": 50}
    clerk = Actor("clerk", frozenset({Role.DEPARTMENT_STAFF}), COUNTY, "MZJ")
    other = Actor("clerk", frozenset({Role.DEPARTMENT_STAFF}), COUNTY, "NYJ")
    far = person(Role.FINANCE_PREPARER, OTHER_COUNTY)
    shown = {
        actor: [view.payment for view in await list_payments(pool, actor, **everything)]  # type: ignore[arg-type]
        for actor in (payday.scene.preparer, clerk, other, far)
    }
    assert shown == {payday.scene.preparer: [payment.payment], clerk: [payment.payment], other: [], far: []}


# -- silence ----------------------------------------------------------------------------------------------------------


async def test_a_silent_payment_is_unknown_and_asked_for_and_nothing_is_sent_again(payday: Payday) -> None:
    await payday.sent(2)
    assert await ask(payday, silent=timedelta(hours=1)) == 0
    assert await ask(payday) == 2
    assert await states(payday) == ["unknown"] * 2
    assert len(await payday.orders()) == 2
    assert await ask(payday, silent=timedelta(hours=1)) == 0  # just asked
    assert await ask(payday) == 2  # still silent
    assert await payday.books() == {"budget": -2 * AMOUNT_FEN, "in_transit": 2 * AMOUNT_FEN}


async def test_more_silent_payments_than_one_turn_takes_are_all_asked_for(
    payday: Payday, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subsidy.ask_silent_payments.ASKED_AT_ONCE_MAX", 4)
    await payday.sent(10)
    silence = timedelta(seconds=1)
    async with transaction(payday.scene.pool, payday.scene.service) as tx:
        await tx.execute("UPDATE payment SET quiet_since = quiet_since - interval '1 minute'")
    assert await ask(payday, silent=silence) == 10
    assert await ask(payday, silent=silence) == 0


async def test_only_never_received_sends_the_same_payment_again_exactly_as_it_was(payday: Payday) -> None:
    one, two, three = await payday.sent(3)
    await ask(payday)
    await payday.says(answered(one, "never_received"), answered(two, "in_progress"), answered(three, "settled"))
    assert await states(payday) == ["sent", "unknown", "settled"]
    instructed = await payday.scene.told(PaymentInstructed.event_type())
    assert len(instructed) == 4
    assert instructed[3] == next(body for body in instructed[:3] if body["payment"] == str(one.payment))
    assert (await payday.orders())[3].payment == one.payment
    await payday.says(answered(one, "never_received"))  # to the question before
    assert len(await payday.scene.told(PaymentInstructed.event_type())) == 4
    assert await ask(payday) == 2  # it is silent again, as is the one in progress
    await payday.says(settled(one), settled(two), settled(three))
    assert await payday.books() == {"budget": -3 * AMOUNT_FEN, "paid": 3 * AMOUNT_FEN}
    said = await payday.statistics()
    assert (said.payments_unknown_resolved, said.payments_by_state["settled"], said.obligations_paid_twice) == (3, 3, 0)
    assert await payday.oddities() == []  # the bank was asked, and its results brought the references to its answers


# -- once more --------------------------------------------------------------------------------------------------------


async def test_what_was_rejected_is_paid_again_with_the_account_known_by_then(payday: Payday) -> None:
    (payee,) = await payday.people(1)
    await payday.approve(await payday.previewed([payee]))
    await payday.instruct()
    (first,) = await payday.payments()
    await payday.says(rejected(first))
    corrected = payday.identity(payee, account="6222000011112222")
    await payday.scene.hear_records(corrected)
    await payday.verify_accounts()  # the bank has said that the old one is closed: nobody needs to look
    paid = await again(payday, first)
    assert (paid.payments, paid.total_fen) == (1, AMOUNT_FEN)
    was, now = await payday.orders()
    assert was.payment != now.payment
    assert (now.account.reveal(), now.amount_fen) == ("6222000011112222", AMOUNT_FEN)
    second = next(payment for payment in await payday.payments() if payment.attempt == 2)
    await payday.says(settled(second))
    assert await payday.books() == {"budget": -AMOUNT_FEN, "paid": AMOUNT_FEN}
    said = await payday.statistics()
    assert (said.payments_rejected_first, said.obligations, said.obligations_unpaid) == (1, 1, 0)
    assert [body["instructed"]["payments"] for body in await payday.scene.told("run.paying.v1")] == [1, 2]


async def test_what_the_bank_took_back_is_paid_again(payday: Payday) -> None:
    (first,) = await payday.sent(1)
    await payday.says(settled(first), reversed_(first), answered(first, "returned"))
    (taken_back,) = await payday.payments()
    assert (taken_back.state, taken_back.reason, taken_back.bank_reference) == (
        "reversed",
        "booked_twice",
        "TAKEN-BACK",
    )
    assert (await payday.statistics()).payments_by_state["reversed"] == 1
    assert await payday.books() == {"budget": -AMOUNT_FEN, "returned": AMOUNT_FEN}
    assert (await again(payday, first)).payments == 1
    await payday.says(settled(first))  # too late: it was taken back since
    assert await states(payday) == ["reversed", "sent"]
    await payday.says(settled((await payday.payments())[1]))
    assert await payday.books() == {"budget": -AMOUNT_FEN, "paid": AMOUNT_FEN}
    assert await payday.oddities() == ["overtaken"]
    assert (await payday.statistics()).obligations_paid_twice == 0


async def test_who_prepared_does_not_pay_again(payday: Payday) -> None:
    (payment,) = await payday.sent(1)
    await payday.says(rejected(payment))
    scene, version = payday.scene, await payday.version(payment.run)
    with pytest.raises(Forbidden) as refused:
        await pay_again(scene.pool, person(Role.FINANCE_PREPARER, COUNTY, name="zhou"), payment.run, expected=version)
    assert refused.type is Forbidden  # for want of the role
    for subject in ("preparer", scene.preparer.subject):  # who prepared, and who froze
        approves_too = Actor(subject, frozenset({Role.FINANCE_APPROVER}), COUNTY)
        with pytest.raises(SecondPersonNeeded):
            await pay_again(scene.pool, approves_too, payment.run, expected=version)


@pytest.mark.parametrize("word", ["sent", "unknown", "settled"])
async def test_what_is_alive_or_paid_is_not_paid_again(payday: Payday, word: str) -> None:
    (payment,) = await payday.sent(1)
    if word == "unknown":
        await ask(payday)
    elif word == "settled":
        await payday.says(settled(payment))
    with pytest.raises(NothingToPayAgain):
        await again(payday, payment)
    assert len(await payday.payments()) == 1


async def test_before_it_is_approved_nothing_is_paid_again(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(1))
    await payday.freeze(run)
    scene = payday.scene
    with pytest.raises(RunNotThere):
        await pay_again(scene.pool, scene.approver, run, expected=await payday.version(run))


ALIVE = "INSERT INTO payment (obligation_id, run_id, division_id, department, programme, payee, amount_fen, attempt)"


@pytest.mark.parametrize("state", ["prepared", "sent", "unknown", "settled"])
async def test_the_database_takes_no_second_live_payment(payday: Payday, state: str) -> None:
    run = await payday.previewed(await payday.people(1))
    await payday.approve(run)
    if state != "prepared":
        await payday.instruct()
    if state == "unknown":
        await ask(payday)
    if state == "settled":
        await payday.says(settled((await payday.payments())[0]))
    assert await states(payday) == [state]
    with pytest.raises(asyncpg.UniqueViolationError, match="payment_one_live"):
        await payday.scene.rows(
            f"{ALIVE} SELECT id, run_id, division_id, department, programme, payee, amount_fen, 2 FROM obligation"
        )


@pytest.mark.parametrize(
    ("word", "to"),
    [
        ("settled", "rejected"),
        ("settled", "prepared"),
        ("returned", "settled"),
        ("reversed", "returned"),
        ("reversed", "settled"),
        ("sent", "prepared"),
    ],
)
async def test_the_database_lets_no_payment_go_back(payday: Payday, word: str, to: str) -> None:
    (payment,) = await payday.sent(1)
    if word != "sent":
        back = {"returned": [returned(payment)], "reversed": [reversed_(payment)]}
        await payday.says(settled(payment), *back.get(word, []))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=f"does not go from {word} to {to}"):
        await payday.scene.rows("UPDATE payment SET state = $1", to)


async def test_a_refused_payment_that_was_paid_after_all_when_another_went_out_is_seen(payday: Payday) -> None:
    (first,) = await payday.sent(1)
    await payday.says(rejected(first))
    await again(payday, first)
    await payday.says(settled(first))
    assert await states(payday) == ["rejected", "sent"]
    assert await payday.oddities() == ["settled_though_replaced"]
    (_, second) = await payday.payments()
    await payday.says(settled(second))
    assert (await payday.statistics()).obligations_paid_twice == 1  # by the bank, and said so


async def test_results_and_paying_again_at_once_pay_once(payday: Payday) -> None:
    """A contradicting result arrives while the approver pays again: one of the two wins, nothing doubles."""
    payments = await payday.sent(20)
    await payday.says(*(rejected(payment) for payment in payments))
    results = (payday.says(*(settled(payment) for payment in payments[at : at + 5])) for at in range(0, 20, 5))
    scene, run = payday.scene, payments[0].run
    version = await payday.version(run)
    answers = await asyncio.gather(
        *results, pay_again(scene.pool, scene.approver, run, expected=version), return_exceptions=True
    )
    assert {type(answer) for answer in answers} <= {type(None), PaidAgain, NothingToPayAgain}
    await payday.instruct()
    alive = [payment.beneficiary for payment in await payday.payments() if payment.state != "rejected"]
    assert len(alive) == len(set(alive)) == 20
    assert sum((await payday.books()).values()) == 0
