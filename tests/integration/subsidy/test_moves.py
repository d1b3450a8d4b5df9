"""Somebody moves: what a county owes them stays owed there, and no month is paid twice."""

from pathlib import Path
from uuid import UUID

import pytest

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.money import FEN_MAX
from qingdan.subsidy_events import Period
from runtime.actor import Actor, Role
from runtime.divisions import DivisionRow, import_divisions
from subsidy.approve_run import approve_run
from subsidy.freeze_run import freeze_run
from subsidy.list_payments import PaymentView, list_payments
from subsidy.preview_run import preview_run
from tests.integration.service_scene import person
from tests.integration.subsidy.adjusted_month import PROGRAMMES, PaidMonth
from tests.integration.subsidy.conftest import (
    COUNTY,
    FAR_VILLAGE,
    OTHER_COUNTY,
    PARAMETERS,
    PERIOD,
    TOWN,
    VILLAGE,
    Scene,
)
from tests.integration.subsidy.frozen_run import Payday, settled

OLD = {"birth_date": "1941-05-01"}
NEXT: Period = "2026-08"
AWAY_TOWN, AWAY_VILLAGE = DivisionCode("330523101000"), DivisionCode("330523101201")
AWAY = [
    DivisionRow(code=AWAY_TOWN, name_zh="另一乡", parent_code=COUNTY),
    DivisionRow(code=AWAY_VILLAGE, name_zh="另一村", parent_code=AWAY_TOWN),
]


async def approved(payday: Payday, county: DivisionCode, period: Period) -> tuple[RunId, int]:
    """The county's run for the month, computed now and approved; and how many it obliges to."""
    scene = payday.scene
    preparer, approver = (person(each, county) for each in (Role.FINANCE_PREPARER, Role.FINANCE_APPROVER))
    run = (await preview_run(scene.pool, preparer, county, period)).run
    version = await payday.version(run)
    frozen = await freeze_run(scene.pool, preparer, run, scene.today, third_person_from_fen=FEN_MAX, expected=version)
    seen, version = bytes.fromhex(frozen.frozen_hash), await payday.version(run)
    await approve_run(scene.pool, approver, run, seen, expected=version)
    return run, (await payday.oblige(run)).obligations


async def seen(scene: Scene, actor: Actor) -> list[PaymentView]:
    return await list_payments(scene.pool, actor, run=None, state=None, after=None, limit=9)


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    """The same programmes in both counties."""
    day = Payday(bare, tmp_path)
    await day.open()
    for county in (COUNTY, OTHER_COUNTY):
        await bare.set_parameters(PARAMETERS, county=county)
    await bare.publish(*PROGRAMMES)
    return day


async def old_person(payday: Payday) -> tuple[PaidMonth, UUID]:
    (who,) = (await payday.scene.family(OLD)).people
    for county in (COUNTY, OTHER_COUNTY):
        await payday.scene.declare_complete(county=county)
    month = PaidMonth(payday, RunId(who))
    await month.with_account(who)
    return month, who


@pytest.mark.parametrize("when", ["before the freeze", "before the payment"])
async def test_who_moves_within_the_county_is_paid_once_where_they_were_computed(payday: Payday, when: str) -> None:
    scene = payday.scene
    month, who = await old_person(payday)
    await import_divisions(scene.pool, scene.operator, AWAY)
    run = await scene.preview()
    moved = {"hukou_village_code": str(AWAY_VILLAGE)}
    if when == "before the freeze":
        await month.corrected(who, **moved)
    await payday.approve(run)
    if when == "before the payment":
        await month.corrected(who, **moved)
    await payday.instruct()
    (payment,) = await payday.payments(run)
    assert (payment.beneficiary, payment.state, payment.division) == (who, "sent", VILLAGE)
    for by, many in ((scene.preparer, 1), (person(Role.AUDITOR, TOWN), 1), (person(Role.AUDITOR, AWAY_TOWN), 0)):
        assert len(await seen(scene, by)) == many
    await payday.says(settled(payment))
    august, obliged = await approved(payday, COUNTY, NEXT)
    assert (obliged, [each.division for each in await payday.payments(august)]) == (1, [AWAY_VILLAGE])


async def test_who_moves_to_another_county_is_paid_each_month_by_one_of_them(payday: Payday) -> None:
    scene = payday.scene
    await scene.family(OLD)  # stays
    month, who = await old_person(payday)
    await approved(payday, COUNTY, PERIOD)
    await month.corrected(who, hukou_village_code=str(FAR_VILLAGE))
    await payday.instruct()
    obliged = {
        (county, period): (await approved(payday, county, period))[1]
        for county, period in ((OTHER_COUNTY, PERIOD), (COUNTY, NEXT), (OTHER_COUNTY, NEXT))
    }
    assert obliged == {(OTHER_COUNTY, PERIOD): 0, (COUNTY, NEXT): 1, (OTHER_COUNTY, NEXT): 1}
    await payday.instruct()

    async def of_them(by: Actor) -> list[tuple[str, str]]:
        return [(each.occurrence, each.state) for each in await seen(scene, by) if each.beneficiary == who]

    assert await of_them(scene.preparer) == [(PERIOD, "sent")]  # what was approved here is owed here
    assert await of_them(scene.other_preparer) == [(NEXT, "sent")]


async def test_both_counties_that_froze_a_month_for_the_same_person_pay_it_once(payday: Payday) -> None:
    """Frozen in the old county before the move, in the new one after it: whoever's approval is first owes it."""
    scene = payday.scene
    month, who = await old_person(payday)
    here = await scene.preview()
    await payday.freeze(here)
    await month.corrected(who, hukou_village_code=str(FAR_VILLAGE))
    there, obliged = await approved(payday, OTHER_COUNTY, PERIOD)
    [row] = await scene.rows("SELECT encode(frozen_hash, 'hex') AS hash FROM run WHERE id = $1", here)
    seen_hash = bytes.fromhex(row["hash"])
    await approve_run(scene.pool, scene.approver, here, seen_hash, expected=await payday.version(here))
    entered = await payday.oblige(here)
    assert (obliged, entered.obligations, entered.already) == (1, 0, 1)
    await payday.instruct()
    assert [(each.run, each.state) for each in await payday.payments()] == [(there, "sent")]
