"""What the public sees of a frozen run, and what an objection to it does."""

from pathlib import Path
from typing import Any

import pytest

from qingdan.ids import PersonId, RunId
from qingdan.subsidy_events import ObjectionDecided, ObjectionRaised
from runtime.actor import Actor, Role
from runtime.db import Version
from runtime.problems import Forbidden, NotFound
from subsidy.approve_run import approve_run
from subsidy.decide_objection import decide_objection
from subsidy.list_objections import ObjectionView, list_objections
from subsidy.notice_rules import WHY_NAMELESS, NoNoticeYet, NoticeOver
from subsidy.objection_rules import DecidedByAnother, ObjectedAlready, ObjectionOver
from subsidy.raise_objection import raise_objection
from subsidy.settle_holds import settle_holds
from subsidy.show_notice import NoticeItem, show_notice
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import (
    COUNTY,
    FAR_VILLAGE,
    OTHER_VILLAGE,
    PERIOD,
    VILLAGE,
    Scene,
    programme,
)
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday

CADRE, SECOND_CADRE = (person(Role.VILLAGE_CADRE, VILLAGE, name=name) for name in ("one", "two"))
STRANGER = person(Role.VILLAGE_CADRE, FAR_VILLAGE)
NEIGHBOUR = person(Role.VILLAGE_CADRE, OTHER_VILLAGE)
RAISER_WHO_APPROVES = person(Role.FINANCE_APPROVER, COUNTY, name="raises")

_ANOTHERS = """
INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen,
                         status)
SELECT run_id, 'B12', beneficiary, occurrence, kind, payee, division_id, department, amount_fen, status
FROM entitlement WHERE run_id = $1 RETURNING beneficiary
"""


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


async def frozen(payday: Payday, many: int = 3) -> tuple[RunId, list[PersonId]]:
    people = await payday.people(many)
    run = await payday.previewed(people)
    await payday.freeze(run)
    return run, people


async def notice(payday: Payday, run: RunId, by: Actor = CADRE, **how: Any) -> list[NoticeItem]:
    named: dict[str, Any] = {"programme": None, "division": None, "after": None, "limit": 50} | how
    return await show_notice(payday.scene.pool, by, run, payday.desk.service_key_file, **named)


async def object_to(payday: Payday, run: RunId, item: NoticeItem, by: Actor = CADRE) -> ObjectionRaised:
    return await raise_objection(payday.scene.pool, by, run, item.programme, item.item, "not_living_there")


async def decide(payday: Payday, raised: ObjectionRaised, upheld: bool, by: Actor | None = None) -> ObjectionDecided:
    [view] = [each for each in await objections(payday) if each.objection == raised.objection]
    decided = await decide_objection(
        payday.scene.pool,
        by or payday.scene.approver,
        raised.objection,
        upheld=upheld,
        expected=Version(view.version),
    )
    while await settle_holds(payday.scene.pool, payday.scene.service):
        pass
    return decided


async def objections(payday: Payday, by: Actor | None = None) -> list[ObjectionView]:
    return await list_objections(
        payday.scene.pool, by or payday.scene.preparer, run=None, state=None, after=None, limit=50
    )


async def pay(payday: Payday, run: RunId) -> list[str]:
    """The run is approved as it was frozen, and everything that can goes out; the states of its payments."""
    [row] = await payday.scene.rows("SELECT frozen_hash FROM run WHERE id = $1", run)
    await approve_run(
        payday.scene.pool, payday.scene.approver, run, row["frozen_hash"], expected=await payday.version(run)
    )
    await payday.oblige(run)
    return await go_on(payday, run)


async def go_on(payday: Payday, run: RunId) -> list[str]:
    await payday.instruct()
    while await settle_holds(payday.scene.pool, payday.scene.service):
        pass
    await payday.instruct()
    return sorted(each.state for each in await payday.payments(run))


# -- the notice -------------------------------------------------------------------------------------------------------


async def test_a_village_sees_its_own_notice_with_masked_names(payday: Payday) -> None:
    run, people = await frozen(payday)
    items = await notice(payday, run)
    assert [(each.name, each.nameless, each.amount_fen, each.occurrence) for each in items] == [
        ("金**甄", None, AMOUNT_FEN, PERIOD)
    ] * 3
    assert {(each.division, each.division_name, each.title_zh) for each in items} == {
        (VILLAGE, f"区划{VILLAGE}", "最低生活保障金")
    }
    shown = "".join(each.model_dump_json() for each in items)
    assert [who for who in people if str(who) in shown] == []
    assert "金丝雀甄" not in shown
    assert len({each.item for each in items}) == 3


async def test_a_page_goes_on_behind_the_last(payday: Payday) -> None:
    run, _ = await frozen(payday)
    first = await notice(payday, run, limit=2)
    rest = await notice(payday, run, limit=2, after=first[-1].position)
    assert [*first, *rest] == await notice(payday, run)
    assert await notice(payday, run, programme="B02") == []
    assert await notice(payday, run, payday.scene.preparer, division=OTHER_VILLAGE) == []


async def test_a_programme_about_minors_names_nobody(payday: Payday) -> None:
    scene = payday.scene
    await scene.publish(programme("B01", excludes=[]), programme("B12", excludes=[]))
    run = await payday.previewed(await payday.people(1))
    await scene.rows("UPDATE run SET programme_version = 2 WHERE id = $1 RETURNING id", run)
    await scene.rows(_ANOTHERS, run)
    await payday.freeze(run)
    named, child = await notice(payday, run)
    assert (named.name, child.name) == ("金**甄", None)
    assert child.nameless is not None
    assert child.item != named.item


async def test_the_version_of_the_run_says_whether_anybody_is_named(payday: Payday) -> None:
    scene = payday.scene
    await scene.publish(programme("B01", excludes=[], nameless="health"))
    await scene.publish(programme("B01", excludes=[]))
    run = await payday.previewed(await payday.people(1))
    await scene.rows("UPDATE run SET programme_version = 2 WHERE id = $1 RETURNING id", run)
    await payday.freeze(run)
    [item] = await notice(payday, run)
    assert (item.name, item.nameless) == (None, WHY_NAMELESS["health"])
    await scene.rows("UPDATE run SET programme_version = 3 WHERE id = $1 RETURNING id", run)
    assert [each.name for each in await notice(payday, run)] == ["金**甄"]


async def test_nothing_is_published_before_the_freeze_nor_to_other_places(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(1))
    with pytest.raises(NoNoticeYet):
        await notice(payday, run)
    await payday.freeze(run)
    assert await notice(payday, run, NEIGHBOUR) == []
    with pytest.raises(NotFound):
        await notice(payday, run, STRANGER)


async def test_somebody_whose_name_cannot_be_read_is_published_without(payday: Payday) -> None:
    run, [who] = await frozen(payday, 1)
    await payday.scene.rows("DELETE FROM identity WHERE person_id = $1 RETURNING 1", who)
    [item] = await notice(payday, run)
    assert item.name is None
    assert item.nameless is not None


# -- objections -------------------------------------------------------------------------------------------------------


async def test_an_objection_holds_its_item_alone_and_dismissed_it_goes(payday: Payday) -> None:
    run, _ = await frozen(payday)
    raised = await object_to(payday, run, (await notice(payday, run))[1])
    assert await pay(payday, run) == ["prepared", "sent", "sent"]
    await decide(payday, raised, upheld=False)
    assert await go_on(payday, run) == ["sent", "sent", "sent"]
    told = await payday.scene.told("objection.raised.v1", "objection.decided.v1")
    assert [(each["type"], each["division"]) for each in told] == [
        ("objection.raised.v1", COUNTY),
        ("objection.decided.v1", COUNTY),
    ]


async def test_upheld_before_the_approval_the_item_is_never_paid(payday: Payday) -> None:
    run, _ = await frozen(payday)
    raised = await object_to(payday, run, (await notice(payday, run))[0])
    assert (await decide(payday, raised, upheld=True)).upheld
    assert await pay(payday, run) == ["rejected", "sent", "sent"]
    assert await payday.books() == {"budget": -2 * AMOUNT_FEN, "in_transit": 2 * AMOUNT_FEN}


async def test_an_item_waits_until_all_its_objections_are_decided(payday: Payday) -> None:
    run, _ = await frozen(payday)
    [item, *_] = await notice(payday, run)
    first, second = [await object_to(payday, run, item, by) for by in (CADRE, SECOND_CADRE)]
    with pytest.raises(ObjectedAlready):
        await object_to(payday, run, item)
    await decide(payday, first, upheld=False)
    assert await pay(payday, run) == ["prepared", "sent", "sent"]
    await decide(payday, second, upheld=True)
    assert await go_on(payday, run) == ["rejected", "sent", "sent"]


async def test_no_objection_is_taken_once_the_notice_is_over(payday: Payday) -> None:
    run, _ = await frozen(payday)
    [item, *_] = await notice(payday, run)
    await payday.scene.rows("UPDATE run SET notice_until = notice_until - 1 WHERE id = $1 RETURNING id", run)
    with pytest.raises(NoticeOver):
        await object_to(payday, run, item)
    await pay(payday, run)
    with pytest.raises(NoticeOver):
        await object_to(payday, run, item)
    assert len(await notice(payday, run)) == 3


async def test_an_objection_is_decided_once_by_another_person_of_finance(payday: Payday) -> None:
    run, _ = await frozen(payday)
    raised = await object_to(payday, run, (await notice(payday, run))[0], RAISER_WHO_APPROVES)
    with pytest.raises(DecidedByAnother):
        await decide(payday, raised, True, RAISER_WHO_APPROVES)
    with pytest.raises(Forbidden):
        await decide(payday, raised, True, payday.scene.preparer)
    await decide(payday, raised, True)
    with pytest.raises(ObjectionOver):
        await decide(payday, raised, False)


async def test_other_places_neither_object_nor_see_objections(payday: Payday) -> None:
    run, _ = await frozen(payday)
    [item, *_] = await notice(payday, run)
    with pytest.raises(NotFound):
        await object_to(payday, run, item, STRANGER)
    with pytest.raises(NotFound):
        await object_to(payday, run, item, NEIGHBOUR)
    await object_to(payday, run, item)
    assert [each.reason for each in await objections(payday)] == ["not_living_there"]
    assert await objections(payday, payday.scene.other_preparer) == []
    with pytest.raises(Forbidden):
        await objections(payday, CADRE)
