"""The bank's statement against our books, payment by payment; a run is closed when nothing differs or is open."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest

from devkit.eventually import eventually
from devkit.pytest_plugin import MakeDatabase
from qingdan.ids import PaymentId
from qingdan.money import Fen
from qingdan.subsidy_events import Outcome, RunClosed
from runtime.db import transaction
from runtime.ids import new_id
from runtime.problems import Forbidden
from runtime.runs import Run
from subsidy.app import service
from subsidy.close_run import close_run
from subsidy.list_differences import list_differences
from subsidy.list_payments import PaymentView
from subsidy.pay_again import pay_again
from subsidy.reconcile_run import ReconciledRun, reconcile_run
from subsidy.record_results import record_results
from subsidy.run_rules import NoStatement, RunNotDone, RunNotThere
from subsidy.statement_rules import StatementLine
from subsidy.take_statement import take_statement
from tests.integration.subsidy.conftest import Scene, county_in
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday, line, rejected, returned, reversed_, settled

STEP = next(service.migrations.glob("0015_*.sql")).read_text()


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


@pytest.fixture
async def paid(payday: Payday) -> list[PaymentView]:
    """Four payments of a run, of which the bank paid three and rejected the last."""
    payments = await payday.sent(4)
    await payday.says(*(settled(payment) for payment in payments[:3]), rejected(payments[3]))
    return payments


def truth(payments: Sequence[PaymentView]) -> list[StatementLine]:
    """A statement with which our books agree."""
    references = [f"R-{payment.payment.hex[-12:]}" for payment in payments[:3]]
    listed = [line(each, bank_reference=said) for each, said in zip(payments, references, strict=False)]
    return [*listed, *(line(payment, "rejected") for payment in payments[3:])]


async def take(payday: Payday, lines: Sequence[StatementLine], payment: PaymentView, *, anew: bool = False) -> int:
    """Finance takes it; how many lines the statement has."""
    scene, version = payday.scene, await payday.version(payment.run)
    taken = await take_statement(scene.pool, scene.preparer, payment.run, lines, anew=anew, expected=version)
    return taken.lines


async def reconcile(payday: Payday, payment: PaymentView) -> ReconciledRun:
    scene, version = payday.scene, await payday.version(payment.run)
    return await reconcile_run(scene.pool, scene.preparer, payment.run, expected=version)


async def close(payday: Payday, payment: PaymentView) -> RunClosed:
    scene, version = payday.scene, await payday.version(payment.run)
    return await close_run(scene.pool, scene.preparer, payment.run, expected=version)


async def test_a_run_on_which_both_agree_is_closed_to_the_fen(payday: Payday, paid: list[PaymentView]) -> None:
    assert await take(payday, truth(paid)[:1], paid[0]) == 1
    assert await take(payday, truth(paid), paid[0]) == 4  # in parts, one of them twice
    found = await reconcile(payday, paid[0])
    assert (found.differences, found.first) == (0, [])
    closed = await close(payday, paid[0])
    totals = closed.totals
    assert (totals.instructed, totals.settled, totals.rejected, totals.returned) == tuple(
        Outcome.model_validate({"payments": n, "total_fen": n * AMOUNT_FEN}) for n in (4, 3, 1, 0)
    )
    (told,) = await payday.scene.told("run.closed.v1")
    assert told["totals"] == totals.model_dump(mode="json")
    actions = await payday.scene.rows("SELECT action FROM audit_entry WHERE subject = $1 ORDER BY seq", str(closed.run))
    assert [row["action"] for row in actions][-4:] == [
        "statement.taken",
        "statement.taken",
        "run.reconciled",
        "run.closed.v1",
    ]
    assert (await payday.statistics()).runs_closed == 1


async def test_what_the_bank_took_back_is_returned_on_its_statement_and_said_apart_in_the_totals(
    payday: Payday, paid: list[PaymentView]
) -> None:
    await payday.says(reversed_(paid[0]), returned(paid[1]))
    lines = [line(paid[0], "returned"), line(paid[1], "returned"), *truth(paid)[2:]]
    await take(payday, lines, paid[0])
    assert (await reconcile(payday, paid[0])).differences == 0
    totals = (await close(payday, paid[0])).totals
    assert (totals.settled.payments, totals.rejected.payments, totals.returned.payments) == (1, 1, 2)
    assert totals.reversed == Outcome(payments=1, total_fen=Fen(AMOUNT_FEN))


async def test_every_difference_is_found_and_named(payday: Payday, paid: list[PaymentView]) -> None:
    one, two, three, four = paid
    strange = PaymentId(new_id())
    said = [
        line(one, amount_fen=AMOUNT_FEN - 1),
        line(two, "returned"),
        line(three, bank_reference="R-OTHER"),
        line(one).model_copy(update={"payment": strange}),
    ]
    await take(payday, said, one)
    found = await reconcile(payday, one)
    kinds = {each.payment: each.kind for each in found.first}
    assert kinds == {
        one.payment: "amount_differs",
        two.payment: "status_differs",
        three.payment: "reference_differs",
        four.payment: "not_on_statement",
        strange: "not_ours",
    }
    assert found.differences == 5
    listed = await list_differences(payday.scene.pool, payday.scene.preparer, one.run, after=None, limit=2)
    rest = await list_differences(payday.scene.pool, payday.scene.preparer, one.run, after=listed[-1].payment, limit=50)
    assert [*listed, *rest] == found.first
    with pytest.raises(RunNotDone) as refused:
        await close(payday, one)
    assert refused.value.details == {"open_payments": 0, "reconciled": False, "differences": 5}


async def test_a_payment_listed_twice_is_a_difference(payday: Payday, paid: list[PaymentView]) -> None:
    await take(payday, [*truth(paid), line(paid[0], bank_reference="R-SECOND")], paid[0])
    found = await reconcile(payday, paid[0])
    assert [(each.payment, each.kind) for each in found.first] == [(paid[0].payment, "listed_twice")]


async def test_a_corrected_statement_counts_instead_of_the_first(payday: Payday, paid: list[PaymentView]) -> None:
    await take(payday, [line(paid[0], "returned")], paid[0])
    assert (await reconcile(payday, paid[0])).differences == 4
    assert await take(payday, truth(paid), paid[0], anew=True) == 4
    with pytest.raises(RunNotDone):
        await close(payday, paid[0])  # what was reconciled is another statement
    assert (await reconcile(payday, paid[0])).differences == 0
    assert (await close(payday, paid[0])).totals.settled.payments == 3
    assert len(await payday.scene.rows("SELECT 1 FROM statement_line")) == 5  # the first stays as it was taken


@pytest.mark.parametrize("of", ["uuidv7(), division_id", "statement_id, 1"])
async def test_a_line_is_of_a_statement_where_that_is(payday: Payday, paid: list[PaymentView], of: str) -> None:
    await take(payday, truth(paid), paid[0])
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="where that is"):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute(
                "INSERT INTO statement_line (payment_id, status, amount_fen, statement_id, division_id)"
                f" SELECT uuidv7(), 'settled', 1, {of} FROM statement_line LIMIT 1"
            )


async def test_what_was_never_sent_is_on_no_statement_and_not_in_the_totals(payday: Payday) -> None:
    payees = await payday.people(2)
    await payday.scene.hear_records(payday.identity(payees[0], account=None))
    await payday.approve(await payday.previewed(payees))
    await payday.instruct()
    unsent, sent = sorted(await payday.payments(), key=lambda payment: payment.state)
    await payday.says(settled(sent))
    await take(payday, [line(sent)], sent)
    assert (await reconcile(payday, sent)).differences == 0
    totals = (await close(payday, sent)).totals
    assert (totals.instructed.payments, totals.settled.payments, totals.rejected.payments) == (1, 1, 0)
    assert unsent.reason == "no_account"
    assert await payday.books() == {"budget": -2 * AMOUNT_FEN, "paid": AMOUNT_FEN, "payable": AMOUNT_FEN}


async def test_nothing_is_closed_as_long_as_a_payment_is_open_or_nothing_was_reconciled(payday: Payday) -> None:
    payments = await payday.sent(2)
    await payday.says(settled(payments[0]))
    with pytest.raises(NoStatement):
        await reconcile(payday, payments[0])
    with pytest.raises(RunNotDone) as refused:
        await close(payday, payments[0])
    assert refused.value.details == {"open_payments": 1, "reconciled": False, "differences": 0}
    await payday.says(settled(payments[1]))
    await take(payday, [line(payment) for payment in payments], payments[0])
    with pytest.raises(RunNotDone):
        await close(payday, payments[0])  # nobody has compared yet
    await reconcile(payday, payments[0])
    await close(payday, payments[0])


async def test_what_changed_since_it_was_reconciled_is_seen_when_closing(
    payday: Payday, paid: list[PaymentView]
) -> None:
    await take(payday, truth(paid), paid[0])
    await reconcile(payday, paid[0])
    await payday.says(returned(paid[0]))
    with pytest.raises(RunNotDone) as refused:
        await close(payday, paid[0])
    assert refused.value.details == {"open_payments": 0, "reconciled": True, "differences": 1}


async def test_a_close_waits_for_a_result_that_is_being_booked(payday: Payday, paid: list[PaymentView]) -> None:
    """Else a run would be closed with totals that were not true any more, and nobody would be told."""
    await take(payday, truth(paid), paid[0])
    await reconcile(payday, paid[0])
    scene, version = payday.scene, await payday.version(paid[0].run)
    async with transaction(scene.pool, scene.service) as tx:
        await record_results(tx, Run([returned(paid[0])]))
        closing = asyncio.create_task(close_run(scene.pool, scene.preparer, paid[0].run, expected=version))

        async def waits_or_went_on() -> bool:
            waiting = await scene.rows(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return bool(waiting) or closing.done()

        await eventually(waits_or_went_on, timeout_s=10.0, every_s=0.02, what="the close has come to the payment")
        assert not closing.done()
    with pytest.raises(RunNotDone):
        await closing
    assert await payday.oddities() == []


async def test_a_result_waits_for_a_close_and_is_seen_as_late(payday: Payday, paid: list[PaymentView]) -> None:
    await take(payday, truth(paid), paid[0])
    await reconcile(payday, paid[0])
    answers = await asyncio.gather(close(payday, paid[0]), payday.says(returned(paid[0])), return_exceptions=True)
    closed = isinstance(answers[0], RunClosed)
    assert closed or isinstance(answers[0], RunNotDone)
    assert await payday.oddities() == (["after_close"] if closed else [])
    assert answers[1] is None


async def test_money_that_comes_back_after_the_close_is_booked_seen_and_paid_again(
    payday: Payday, paid: list[PaymentView]
) -> None:
    scene, first = payday.scene, paid[0]
    await take(payday, truth(paid), first)
    await reconcile(payday, first)
    await close(payday, first)
    await payday.says(returned(first))
    assert await payday.oddities() == ["after_close"]
    books = await payday.books()
    assert (books["payable"], books["returned"]) == (AMOUNT_FEN, AMOUNT_FEN)
    again = await pay_again(scene.pool, scene.approver, first.run, expected=await payday.version(first.run))
    assert again.payments == 2  # with the one that was rejected
    (run,) = await scene.rows("SELECT state, closed_on FROM run")
    assert (run["state"], run["closed_on"]) == ("paying", None)
    await payday.instruct()
    new = [payment for payment in await payday.payments() if payment.attempt == 2]
    await payday.says(*(settled(payment) for payment in new))
    lines = [line(first, "returned"), *truth(paid)[1:], *(line(payment) for payment in new)]
    await take(payday, lines, first, anew=True)
    assert (await reconcile(payday, first)).differences == 0
    totals = (await close(payday, first)).totals
    counted = (totals.instructed, totals.settled, totals.rejected, totals.returned)
    assert [outcome.payments for outcome in counted] == [6, 4, 1, 1]
    assert await payday.books() == {"budget": -4 * AMOUNT_FEN, "paid": 4 * AMOUNT_FEN}


async def test_only_finance_takes_compares_and_closes(payday: Payday, paid: list[PaymentView]) -> None:
    scene, run, version = payday.scene, paid[0].run, await payday.version(paid[0].run)
    for refused in (
        take_statement(scene.pool, scene.approver, run, [], anew=False, expected=version),
        reconcile_run(scene.pool, scene.approver, run, expected=version),
        close_run(scene.pool, scene.approver, run, expected=version),
    ):
        with pytest.raises(Forbidden):
            await refused


async def test_a_run_that_is_not_paying_takes_no_statement_and_is_not_closed(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    await payday.approve(run)
    version = await payday.version(run)
    for refused in (
        take_statement(scene.pool, scene.preparer, run, [], anew=False, expected=version),
        reconcile_run(scene.pool, scene.preparer, run, expected=version),
        close_run(scene.pool, scene.preparer, run, expected=version),
    ):
        with pytest.raises(RunNotThere):
            await refused


async def test_an_approved_run_with_nothing_left_to_pay_is_closed_too(payday: Payday) -> None:
    """All of it was obliged to by another run."""
    payees = await payday.people(1)
    july = await payday.previewed(payees, period="2026-07", occurrence="once")
    august = await payday.previewed(payees, period="2026-08", occurrence="once")
    await payday.approve(july)
    await payday.approve(august)
    await payday.instruct()
    (payment,) = await payday.payments(july)
    nothing = payment.model_copy(update={"run": august})
    await take(payday, [], nothing)
    await reconcile(payday, nothing)
    assert (await close(payday, nothing)).totals.instructed.payments == 0
    async with transaction(payday.scene.pool, payday.scene.service) as tx:
        assert await tx.fetchval("SELECT count(*) FROM payment WHERE run_id = $1", august) == 0


async def test_the_step_counts_the_lines_of_statements_of_before(make_database: MakeDatabase, tmp_path: Path) -> None:
    database = make_database(Scene.NAME)
    async with county_in(database.app_url) as scene:
        payday = Payday(scene, tmp_path)
        await payday.open()
        payments = await payday.sent(4)
        assert await take(payday, truth(payments), payments[0]) == 4
        assert await take(payday, truth(payments)[:1], payments[0], anew=True) == 1
        await scene.rows("UPDATE statement SET lines = 0 RETURNING id")
        owner = await asyncpg.connect(database.owner_url)
        try:
            await owner.execute(STEP[STEP.index("SELECT set_config('app.division'") :].replace(", true)", ", false)"))
        finally:
            await owner.close()
        assert [row["lines"] for row in await scene.rows("SELECT lines FROM statement ORDER BY id")] == [4, 1]
