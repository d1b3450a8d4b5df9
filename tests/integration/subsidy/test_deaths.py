"""Who has died is paid nothing more by itself, and neither is what they would receive for others; a second person
decides, or the register takes it back."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from qingdan.records_events import FactValue
from runtime.actor import Actor
from runtime.db import Version
from subsidy.hold_rules import HoldOutcome
from subsidy.instruct_payments import instruct_payments
from subsidy.lift_hold import lift_hold
from subsidy.list_holds import HoldView, list_holds
from subsidy.settle_holds import settle_holds
from tests.integration.subsidy.adjusted_month import PaidMonth, paid_month
from tests.integration.subsidy.conftest import PARAMETERS, SOURCE_TIME, VILLAGE, Scene, programme, recorded
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday, put_in_force

OLD = {"birth_date": "1941-05-01"}
LATER = SOURCE_TIME + timedelta(days=40)
DIED: Mapping[str, FactValue] = {"death_date": "2026-07-03"}


@pytest.fixture
async def month(bare: Scene, tmp_path: Path) -> PaidMonth:
    """A frozen run of two people with accounts, both known to the population register."""
    payday = Payday(bare, tmp_path)
    await payday.open()
    people = (await bare.family({}, {})).people
    month = PaidMonth(payday, await payday.previewed(people))
    await month.with_account(*people)
    return month


async def people_of(month: PaidMonth) -> list[UUID]:
    rows = await month.scene.rows("SELECT beneficiary FROM entitlement WHERE run_id = $1 ORDER BY 1", month.run)
    return [row["beneficiary"] for row in rows]


async def died(month: PaidMonth, who: UUID, **facts: FactValue) -> None:
    """The population register says so."""
    await month.corrected(who, **{"is_alive": False, **facts})


async def holds(scene: Scene, actor: Actor | None = None, *, is_open: bool | None = True) -> list[HoldView]:
    asked = actor or scene.preparer
    return await list_holds(scene.pool, asked, is_open=is_open, cause="death", after=None, limit=50)


async def lift(scene: Scene, hold: HoldView, outcome: HoldOutcome) -> None:
    await lift_hold(scene.pool, scene.approver, hold.hold, outcome, expected=Version(hold.version))
    await settle(scene)


async def settle(scene: Scene) -> None:
    while await settle_holds(scene.pool, scene.service):
        pass


async def states(month: PaidMonth) -> dict[UUID, str]:
    return {each.beneficiary: each.state for each in await month.payday.payments(month.run)}


async def test_who_died_waits_alone_and_goes_on_when_a_second_person_says_so(month: PaidMonth) -> None:
    dead, alive = await people_of(month)
    await died(month, dead)
    (hold,) = await holds(month.scene)
    assert (hold.beneficiary, hold.cause, hold.reason, hold.placed_by) == (dead, "death", "died", "service:subsidy")
    assert hold.waits_for is not None
    await month.payday.approve(month.run)
    await month.payday.instruct()
    await settle(month.scene)
    await month.payday.instruct()
    assert await states(month) == {dead: "prepared", alive: "sent"}
    await lift(month.scene, hold, "resume")
    await month.payday.instruct()
    assert await states(month) == {dead: "sent", alive: "sent"}


async def test_those_are_found_that_keep_something_back(month: PaidMonth) -> None:
    scene = month.scene
    dead, _ = await people_of(month)
    (owed_nothing,) = (await scene.family({"is_alive": False})).people
    await died(month, dead)
    await month.payday.approve(month.run)
    await month.payday.instruct()

    async def found(keeps_back: bool | None) -> set[UUID]:
        views = await list_holds(
            scene.pool, scene.preparer, is_open=True, cause=None, keeps_back=keeps_back, after=None, limit=50
        )
        return {each.beneficiary for each in views}

    assert [await found(keeps_back) for keeps_back in (True, False, None)] == [
        {dead},
        {owed_nothing},
        {dead, owed_nothing},
    ]


async def test_what_is_stopped_because_of_a_death_is_never_sent(month: PaidMonth) -> None:
    dead, alive = await people_of(month)
    await month.payday.approve(month.run)
    await died(month, dead)
    await month.payday.instruct()
    await lift(month.scene, (await holds(month.scene))[0], "stop")
    await month.payday.instruct()
    assert await states(month) == {dead: "rejected", alive: "sent"}
    assert await month.payday.books() == {"budget": -AMOUNT_FEN, "in_transit": AMOUNT_FEN}


async def test_a_stop_before_the_approval_holds_after_it(month: PaidMonth) -> None:
    """Nothing of it is owed yet: what a run already entitles the dead to is named one by one."""
    dead, alive = await people_of(month)
    await died(month, dead)
    await lift(month.scene, (await holds(month.scene))[0], "stop")
    await month.payday.approve(month.run)
    await month.payday.instruct()
    await settle(month.scene)
    await month.payday.instruct()
    assert await states(month) == {dead: "rejected", alive: "sent"}


@pytest.mark.parametrize("told", [{"is_alive": False}, {"birth_date": "1986-02-04", "is_alive": False}])
async def test_what_is_said_again_places_no_second_hold(month: PaidMonth, told: dict[str, Any]) -> None:
    dead, _ = await people_of(month)
    await died(month, dead)
    await month.corrected(dead, **told)
    (hold,) = await holds(month.scene, is_open=None)
    await lift(month.scene, hold, "resume")
    await month.corrected(dead, **told)  # a second person has looked at this death
    await month.scene.hear_records(recorded(f"p:{dead}", "death_cause", DIED, LATER))
    assert [each.lifted_by for each in await holds(month.scene, is_open=None)] == [month.scene.approver.subject]


async def test_who_lives_after_all_is_let_go_and_held_anew_by_another_death(month: PaidMonth) -> None:
    dead, _ = await people_of(month)
    await died(month, dead)
    await month.corrected(dead, is_alive=True)
    assert await holds(month.scene) == []
    await month.payday.approve(month.run)
    await month.payday.instruct()
    assert set((await states(month)).values()) == {"sent"}
    await died(month, dead)
    assert [each.lifted_at is None for each in await holds(month.scene, is_open=None)] == [False, True]


async def test_nobody_is_let_go_whom_another_register_knows_to_be_dead(month: PaidMonth) -> None:
    dead, _ = await people_of(month)
    await month.scene.hear_records(recorded(f"p:{dead}", "death_cause", DIED))
    assert len(await holds(month.scene)) == 1
    await month.corrected(dead, is_alive=True)
    assert len(await holds(month.scene)) == 1
    await month.scene.hear_records(recorded(f"p:{dead}", "death_cause", {"death_date": None}, LATER))
    assert await holds(month.scene) == []


async def test_a_correction_takes_back_nothing_that_somebody_decided_or_another_held(month: PaidMonth) -> None:
    dead, alive = await people_of(month)
    await died(month, dead)
    await month.payday.approve(month.run)
    await lift(month.scene, (await holds(month.scene))[0], "stop")
    await month.scene.rows(
        "INSERT INTO hold (id, beneficiary, cause, cause_id, reason, division_id, department, placed_by)"
        " SELECT uuidv7(), id, 'manual', uuidv7(), 'check', division_id, '*', 'zhou' FROM person WHERE id = $1"
        " RETURNING id",
        dead,
    )
    await month.corrected(dead, is_alive=True)
    await month.payday.instruct()
    await settle(month.scene)
    assert await month.scene.rows("SELECT cause FROM hold WHERE lifted_at IS NULL") == [{"cause": "manual"}]
    assert await states(month) == {dead: "prepared", alive: "sent"}
    await month.scene.rows(
        "UPDATE hold SET lifted_by = 'li', lifted_at = now(), outcome = 'resume' WHERE cause = 'manual' RETURNING id"
    )
    await settle(month.scene)
    assert await states(month) == {dead: "rejected", alive: "sent"}


async def test_a_death_calls_nothing_back_and_an_adjustment_asks(bare: Scene, tmp_path: Path) -> None:
    month, (dead,) = await paid_month(Payday(bare, tmp_path), OLD)
    await died(month, dead)
    assert len(await holds(bare)) == 1
    assert await month.deltas((await month.propose()).adjustment) == {(dead, "B08"): (-8_500, "no_longer_entitled")}


async def test_a_hold_is_seen_where_the_person_turns_out_to_be_registered(month: PaidMonth) -> None:
    scene, (family,) = month.scene, [await month.scene.family({"hukou_village_code": None})]
    (who,) = family.people
    await scene.hear_records(recorded(f"p:{who}", "death_cause", DIED))
    assert await holds(scene) == []  # nobody knows whose it is to see
    await month.corrected(who, hukou_village_code=str(VILLAGE))
    assert [each.beneficiary for each in await holds(scene)] == [who]
    assert await holds(scene, scene.other_preparer) == []


async def test_what_is_due_because_of_a_death_goes_to_the_living(bare: Scene, tmp_path: Path) -> None:
    payday = Payday(bare, tmp_path)
    await payday.open()
    await bare.set_parameters(PARAMETERS)
    await bare.publish(programme("B20", excludes=[]))
    burial: dict[str, FactValue] = {"cremated": True, "ecological_burial": True, "death_date": "2026-06-03"}
    home = await bare.family({}, {"is_alive": False, **burial})
    await bare.declare_complete()
    run = await bare.preview()
    (heir, dead) = home.people
    await bare.hear_records(payday.identity(heir))  # type: ignore[arg-type]
    await put_in_force(bare, [heir])
    await payday.approve(run)
    while await instruct_payments(bare.pool, bare.service, payday.desk):
        pass
    (payment,) = await payday.payments(run)
    assert (payment.programme, payment.beneficiary, payment.occurrence) == ("B20", home.household, str(dead))
    assert payment.state == "sent"
    assert [each.beneficiary for each in await holds(bare)] == [dead]
