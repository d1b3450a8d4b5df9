"""What is held is not sent while everything else is; lifted it goes on, stopped it never goes; the books balance."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from qingdan.envelope import Envelope, EventBody, service_source
from qingdan.ids import DoubtId, PersonId, RunId
from qingdan.inspection_events import BeneficiaryDoubted, DoubtCleared
from runtime.actor import Actor, Role
from runtime.clock import utcnow
from runtime.db import Version, transaction
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound, StaleVersion
from runtime.runs import cut_into_runs
from subsidy.consumers import on_inspection
from subsidy.hold_rules import DecidedElsewhere, HoldLifted, HoldOutcome, LiftedByAnother
from subsidy.lift_hold import lift_hold
from subsidy.list_holds import HoldView, list_holds
from subsidy.pay_again import pay_again
from subsidy.run_rules import NothingToPayAgain
from subsidy.settle_holds import settle_holds
from subsidy.suspend_payment import suspend_payment
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, OTHER_COUNTY, PERIOD, Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday, rejected, settled

BOTH = Actor("both@county", frozenset({Role.FINANCE_PREPARER, Role.FINANCE_APPROVER}), COUNTY)


_ANOTHERS = """
INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen,
                         status)
SELECT run_id, 'B12', beneficiary, occurrence, kind, $3, division_id, department, amount_fen, status
FROM entitlement WHERE run_id = $1 AND beneficiary = $2 RETURNING beneficiary
"""


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


async def frozen(payday: Payday, many: int = 3) -> tuple[RunId, list[PersonId]]:
    people = await payday.people(many)
    return await payday.previewed(people), people


async def suspend(payday: Payday, who: UUID, by: Actor | None = None, **item: Any) -> HoldView:
    named = {"programme": None, "occurrence": None} | item
    return await suspend_payment(payday.scene.pool, by or payday.scene.preparer, who, **named, reason="check")


async def lift(payday: Payday, hold: HoldView, outcome: HoldOutcome, by: Actor | None = None) -> HoldView:
    lifted = await lift_hold(
        payday.scene.pool, by or payday.scene.approver, hold.hold, outcome, expected=Version(hold.version)
    )
    await settle(payday)
    return lifted


async def settle(payday: Payday) -> None:
    while await settle_holds(payday.scene.pool, payday.scene.service):
        pass


async def states(payday: Payday, run: RunId) -> dict[UUID, str]:
    return {each.beneficiary: each.state for each in await payday.payments(run)}


async def held(payday: Payday) -> list[HoldView]:
    return await list_holds(payday.scene.pool, payday.scene.preparer, is_open=True, cause=None, after=None, limit=50)


async def hears(payday: Payday, *events: EventBody) -> None:
    source = service_source("inspection")
    heard = [Envelope.of(each, id=str(new_id()), source=source, time=utcnow()) for each in events]
    async with transaction(payday.scene.pool, payday.scene.service) as tx:
        for run in cut_into_runs(heard):
            await on_inspection.handler(tx, run)


async def test_what_is_held_waits_alone_and_goes_once_lifted(payday: Payday) -> None:
    run, [first, *others] = await frozen(payday)
    hold = await suspend(payday, first)
    await payday.approve(run)
    await payday.instruct()
    assert await states(payday, run) == {first: "prepared", **dict.fromkeys(others, "sent")}
    [row] = await payday.scene.rows("SELECT waits_for FROM payment WHERE state = 'prepared'")
    assert row["waits_for"] == "held"
    await settle(payday)
    await payday.instruct()
    assert (await states(payday, run))[first] == "prepared"
    lifted = await lift(payday, hold, "resume")
    assert (lifted.outcome, lifted.waits_for) == ("resume", None)
    await payday.instruct()
    assert set((await states(payday, run)).values()) == {"sent"}


async def test_a_second_hold_keeps_what_the_first_lets_go(payday: Payday) -> None:
    run, [first, *_] = await frozen(payday)
    one, _other = await suspend(payday, first), await suspend(payday, first, programme="B01", occurrence=PERIOD)
    await payday.approve(run)
    await payday.instruct()
    await lift(payday, one, "resume")
    await payday.instruct()
    assert (await states(payday, run))[first] == "prepared"


async def test_another_item_of_the_same_person_is_not_held(payday: Payday) -> None:
    run, [first, *_] = await frozen(payday)
    await suspend(payday, first, programme="B01", occurrence="2026-06")
    await suspend(payday, first, programme="B02")
    await payday.approve(run)
    await payday.instruct()
    assert set((await states(payday, run)).values()) == {"sent"}


async def test_an_account_that_comes_into_force_releases_nothing_that_is_held(payday: Payday) -> None:
    run, [first, *_] = await frozen(payday)
    await suspend(payday, first)
    await payday.approve(run)
    await payday.instruct()
    await payday.scene.hear_records(payday.identity(first))
    await payday.verify_accounts()
    assert await payday.scene.rows("SELECT payee FROM payment WHERE waits_for = 'held'") == [{"payee": first}]
    await payday.instruct()
    assert (await states(payday, run))[first] == "prepared"


@pytest.mark.parametrize("item", [{}, {"programme": "B01"}, {"programme": "B01", "occurrence": PERIOD}])
async def test_what_is_stopped_is_never_sent_and_the_books_balance(payday: Payday, item: dict[str, Any]) -> None:
    run, [first, *others] = await frozen(payday)
    hold = await suspend(payday, first, **item)
    await payday.approve(run)
    await payday.instruct()
    await lift(payday, hold, "stop")
    await payday.instruct()
    stopped = next(each for each in await payday.payments(run) if each.beneficiary == first)
    assert (stopped.state, stopped.reason, stopped.batch) == ("rejected", "stopped", None)
    await payday.says(*(settled(each) for each in await payday.payments(run) if each.state == "sent"))
    assert await payday.books() == {"budget": -len(others) * AMOUNT_FEN, "paid": len(others) * AMOUNT_FEN}
    assert (await payday.statistics()).ledger_sum_fen == 0
    with pytest.raises(NothingToPayAgain):
        await pay_again(payday.scene.pool, payday.scene.approver, run, expected=await payday.version(run))


async def test_an_item_stopped_before_the_approval_is_not_paid_after_it(payday: Payday) -> None:
    run, [first, *_] = await frozen(payday)
    await lift(payday, await suspend(payday, first, programme="B01", occurrence=PERIOD), "stop")
    await payday.approve(run)
    await payday.instruct()
    await settle(payday)
    await payday.instruct()
    stopped = next(each for each in await payday.payments(run) if each.beneficiary == first)
    assert (stopped.state, stopped.reason) == ("rejected", "stopped")
    assert await payday.books() == {"budget": -2 * AMOUNT_FEN, "in_transit": 2 * AMOUNT_FEN}


async def test_money_that_left_once_stays_payable_when_it_is_stopped(payday: Payday) -> None:
    """A bank that refused a payment may still say another thing of it."""
    run, [first] = await frozen(payday, 1)
    await payday.approve(run)
    await payday.instruct()
    [sent] = await payday.payments(run)
    await payday.says(rejected(sent))
    await pay_again(payday.scene.pool, payday.scene.approver, run, expected=await payday.version(run))
    hold = await suspend(payday, first)
    await payday.instruct()
    await lift(payday, hold, "stop")
    assert await payday.books() == {"budget": -AMOUNT_FEN, "payable": AMOUNT_FEN}
    assert [each.reason for each in await payday.payments(run)] == ["account_closed", "stopped"]


async def test_a_hold_calls_nothing_back(payday: Payday) -> None:
    [sent] = await payday.sent(1)
    await suspend(payday, sent.beneficiary)
    await payday.says(settled(sent))
    assert [each.state for each in await payday.payments()] == ["settled"]


async def test_a_hold_is_lifted_once_by_a_second_person_of_the_right_role(payday: Payday) -> None:
    _, [first, *_] = await frozen(payday)
    with pytest.raises(Forbidden):
        await suspend(payday, first, payday.scene.approver)
    hold = await suspend(payday, first, BOTH)
    with pytest.raises(LiftedByAnother):
        await lift(payday, hold, "resume", BOTH)
    with pytest.raises(Forbidden):
        await lift(payday, hold, "resume", payday.scene.preparer)
    lifted = await lift(payday, hold, "resume")
    with pytest.raises(StaleVersion):
        await lift(payday, hold, "resume")
    with pytest.raises(HoldLifted):
        await lift(payday, lifted, "stop")


async def test_another_county_neither_sees_nor_places_nor_lifts(payday: Payday) -> None:
    _, [first, *_] = await frozen(payday)
    scene, hold = payday.scene, await suspend(payday, first)
    assert [each.hold for each in await held(payday)] == [hold.hold]
    assert await list_holds(scene.pool, scene.other_preparer, is_open=None, cause=None, after=None, limit=50) == []
    with pytest.raises(NotFound):
        await suspend(payday, first, scene.other_preparer)
    with pytest.raises(NotFound):
        await lift(payday, hold, "stop", person(Role.FINANCE_APPROVER, OTHER_COUNTY))


# -- doubts -----------------------------------------------------------------------------------------------------------


def doubted(who: UUID, doubt: DoubtId) -> BeneficiaryDoubted:
    return BeneficiaryDoubted(doubt=doubt, person=PersonId(who), reason="not_living_there")


async def test_a_doubt_holds_everything_of_the_person_until_it_is_cleared(payday: Payday) -> None:
    run, [first, *others] = await frozen(payday)
    doubt = DoubtId(new_id())
    await hears(payday, doubted(first, doubt), doubted(first, doubt))
    await hears(payday, doubted(first, doubt))
    await payday.approve(run)
    await payday.instruct()
    assert await states(payday, run) == {first: "prepared", **dict.fromkeys(others, "sent")}
    assert [row["reason"] for row in await payday.scene.rows("SELECT reason FROM hold")] == ["not_living_there"]
    cleared = DoubtCleared(doubt=doubt, person=PersonId(first))
    await hears(payday, cleared, cleared)
    await settle(payday)
    await payday.instruct()
    assert set((await states(payday, run)).values()) == {"sent"}
    await hears(payday, doubted(first, doubt))
    assert await payday.scene.rows("SELECT id FROM hold WHERE lifted_at IS NULL") == []


async def test_a_doubt_that_was_cleared_before_it_was_heard_of_holds_nothing(payday: Payday) -> None:
    run, [first, *_] = await frozen(payday)
    doubt = DoubtId(new_id())
    await hears(payday, DoubtCleared(doubt=doubt, person=PersonId(first)))
    await hears(payday, doubted(first, doubt))
    await payday.approve(run)
    await payday.instruct()
    assert set((await states(payday, run)).values()) == {"sent"}


async def test_what_a_doubted_person_would_receive_for_others_is_held_too(payday: Payday) -> None:
    people = await payday.people(2)
    run = await payday.previewed(people)
    guardian, child = people
    await hears(payday, doubted(guardian, DoubtId(new_id())))
    await payday.scene.rows(_ANOTHERS, run, child, guardian)
    await payday.approve(run)
    await payday.instruct()
    assert sorted(each.state for each in await payday.payments(run)) == ["prepared", "prepared", "sent"]


async def test_finance_does_not_clear_a_doubt_but_may_stop_what_is_doubted(payday: Payday) -> None:
    home = await payday.scene.family({})
    who = home.people[0]
    await hears(payday, doubted(who, DoubtId(new_id())))
    [hold] = await held(payday)
    assert hold.waits_for is not None
    with pytest.raises(DecidedElsewhere):
        await lift(payday, hold, "resume")
    assert (await lift(payday, hold, "stop")).outcome == "stop"
