"""The most that anybody gets of a programme in a year: a run that comes to more for somebody is not frozen."""

from pathlib import Path
from uuid import UUID

import pytest

from qingdan.ids import PersonId, ProgrammeCode, RunId
from runtime.db import Version
from subsidy.compare_run import compare_run
from subsidy.lift_hold import lift_hold
from subsidy.list_anomalies import AnomalyView, list_anomalies
from subsidy.settle_holds import settle_holds
from subsidy.suspend_payment import suspend_payment
from subsidy.year_cap_rules import BeyondYearCap
from tests.integration.subsidy.conftest import Scene, programme
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday, rejected, settled


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    """A programme of which nobody gets more than twice in a year."""
    day = Payday(bare, tmp_path)
    await day.open()
    await bare.publish(programme("B01", excludes=[], cap_year_fen=2 * AMOUNT_FEN + 1))
    return day


async def previewed(payday: Payday, people: list[PersonId], period: str) -> RunId:
    run = await payday.previewed(people, period=period)
    await payday.scene.rows("UPDATE run SET programme_version = 2 WHERE id = $1 RETURNING id", run)
    return run


async def paid(payday: Payday, people: list[PersonId], period: str) -> RunId:
    run = await previewed(payday, people, period)
    await payday.approve(run)
    await payday.instruct()
    await payday.says(*(settled(each) for each in await payday.payments(run) if each.state == "sent"))
    return run


async def test_a_run_beyond_the_cap_of_a_year_is_refused_and_names_nobody(payday: Payday) -> None:
    people = await payday.people(3)
    await paid(payday, people[:2], "2026-05")
    await paid(payday, people[:1], "2026-06")
    run = await previewed(payday, people, "2026-07")
    with pytest.raises(BeyondYearCap) as refused:
        await payday.freeze(run)
    assert refused.value.details["programmes"] == [
        {
            "programme": "B01",
            "cap_year_fen": 2 * AMOUNT_FEN + 1,
            "beneficiaries": 1,
            "most_beyond_fen": AMOUNT_FEN - 1,
        }
    ]
    assert await payday.scene.rows("SELECT state FROM run WHERE id = $1", run) == [{"state": "previewed"}]


async def test_another_year_begins_anew_and_an_older_version_has_no_cap(payday: Payday) -> None:
    people = await payday.people(1)
    for period in ("2026-11", "2026-12", "2027-01", "2027-02"):
        await paid(payday, people, period)
    await payday.freeze(await payday.previewed(people, period="2027-03"))  # by version 1
    with pytest.raises(BeyondYearCap):
        await payday.freeze(await previewed(payday, people, "2027-04"))


async def test_what_is_frozen_and_not_owed_yet_counts(payday: Payday) -> None:
    people = await payday.people(1)
    for period in ("2026-05", "2026-06"):
        await payday.freeze(await previewed(payday, people, period))
    with pytest.raises(BeyondYearCap):
        await payday.freeze(await previewed(payday, people, "2026-07"))


@pytest.mark.parametrize("owed", [False, True])
async def test_the_same_occurrence_counts_once_whichever_run_comes_to_it(payday: Payday, owed: bool) -> None:
    people = await payday.people(1)
    first = await previewed(payday, people, "2026-05")
    await (payday.approve(first) if owed else payday.freeze(first))
    again = await payday.previewed(people, period="2026-06", occurrence="2026-05")
    await payday.scene.rows("UPDATE run SET programme_version = 2 WHERE id = $1 RETURNING id", again)
    await payday.freeze(again)
    await payday.freeze(await previewed(payday, people, "2026-07"))
    with pytest.raises(BeyondYearCap):
        await payday.freeze(await previewed(payday, people, "2026-08"))


async def test_what_was_stopped_and_did_not_arrive_was_not_got(payday: Payday) -> None:
    scene, people = payday.scene, await payday.people(1)
    await paid(payday, people, "2026-05")
    run = await previewed(payday, people, "2026-06")
    await payday.approve(run)
    await payday.instruct()
    await payday.says(*(rejected(each) for each in await payday.payments(run)))
    hold = await suspend_payment(scene.pool, scene.preparer, people[0], "B01", "2026-06", reason="check")
    await lift_hold(scene.pool, scene.approver, hold.hold, "stop", expected=Version(hold.version))
    while await settle_holds(scene.pool, scene.service):
        pass
    await payday.freeze(await previewed(payday, people, "2026-07"))
    with pytest.raises(BeyondYearCap):
        await payday.freeze(await previewed(payday, people, "2026-08"))


async def test_who_would_be_beyond_it_is_seen_before_the_freeze(payday: Payday) -> None:
    people, scene = sorted(await payday.people(3)), payday.scene
    await paid(payday, people[:2], "2026-05")
    await paid(payday, people[:2], "2026-06")
    run = await previewed(payday, people, "2026-07")
    counted = {each.kind: each.items for each in (await compare_run(scene.pool, scene.preparer, run)).anomalies}
    assert counted["beyond_year_cap"] == 2
    seen: list[AnomalyView] = []
    while page := await beyond(scene, run, after=seen[-1].position if seen else None):
        seen += page
    assert [(each.programme, each.beneficiary, each.amount_fen) for each in seen] == [
        ("B01", person, AMOUNT_FEN) for person in people[:2]
    ]
    assert await beyond(scene, run, programme="B02") == []
    fits = await previewed(payday, people[2:], "2026-08")
    assert await beyond(scene, fits) == []
    kinds = {each.kind for each in (await compare_run(scene.pool, scene.preparer, fits)).anomalies}
    assert "beyond_year_cap" not in kinds


async def beyond(
    scene: Scene, run: RunId, *, programme: str | None = None, after: tuple[str, UUID] | None = None
) -> list[AnomalyView]:
    """A page of one."""
    code = None if programme is None else ProgrammeCode(programme)
    return await list_anomalies(
        scene.pool, scene.preparer, run, "beyond_year_cap", programme=code, after=after, limit=1
    )
