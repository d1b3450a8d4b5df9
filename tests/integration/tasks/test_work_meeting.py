"""The work meeting: what the list covers reaches the villages, everything else is refused and counted."""

from typing import TYPE_CHECKING

import pytest

from devkit.story.county import jize
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.tasks_events import AskKind
from runtime.divisions import DivisionUnknown
from runtime.problems import Forbidden, NotFound
from tasks.count_refused_asks import count_refused_asks
from tasks.gate_rules import NotOnTheList
from tasks.hold_meeting import hold_meeting
from tasks.list_refused_asks import list_refused_asks
from tasks.list_rules import VILLAGE_LIST, NoListInForce
from tasks.list_shares import list_shares
from tasks.list_tasks import list_tasks
from tasks.publish_list_version import publish_list_version
from tasks.publish_task import publish_task
from tasks.show_statistics import show_statistics
from tasks.show_task import show_task
from tasks.task_rules import VillagesNotInMeeting
from tests.integration.tasks.conftest import OTHER_TOWN, ROAD, TOWN, VILLAGE, sample_items

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene


async def test_a_task_for_all_gives_each_of_the_21_villages_a_share(scene: "Scene") -> None:
    event = await scene.publish(ROAD, "all")
    assert len(event.shares) == 21
    view = await show_task(scene.pool, scene.town, event.task)
    assert (view.shares, view.published, view.item, view.list_version) == (21, 21, "RQ03", 1)
    assert view.origin == event.origin
    assert view.inspect_on_completion
    (told,) = await scene.told("task.published.v1")
    assert told == event.model_dump(mode="json")
    (own,) = await list_shares(scene.pool, scene.cadre, limit=50)
    assert (own.village, own.title_zh, own.state, own.version) == (VILLAGE, ROAD.title_zh, "published", 1)


async def test_a_task_keeps_the_version_of_the_list_it_was_published_under(scene: "Scene") -> None:
    event = await scene.publish(ROAD)
    items = [item for item in sample_items() if item.code != "RQ03"]
    await publish_list_version(
        scene.pool, scene.operator, VILLAGE_LIST, effective_on=scene.today, items=items, negative=[]
    )
    assert (await show_task(scene.pool, scene.town, event.task)).list_version == 1
    with pytest.raises(NotOnTheList):
        await scene.publish(ROAD)


async def test_an_ask_off_the_list_is_refused_with_what_is_nearest_and_the_refusal_stays(scene: "Scene") -> None:
    ask = Ask("WLJ", AskKind.DEMONSTRATION, "组织非遗展演迎检", "Stage a show for an inspection", None)
    with pytest.raises(NotOnTheList) as refused:
        await scene.publish(ask, "all")
    near = {
        "code": "RQ09",
        "category": "qualified",
        "title_zh": "受委托开展文化体育活动和设施运行",
        "title_en": "Run cultural and sports activities and facilities on commission",
    }
    (told,) = await scene.told("ask.refused.v1")
    assert refused.value.details == {"ask": told["ask"], "code": "off_list", "list_version": 1, "nearest_item": near}
    assert (told["decided_by"], told["nearest_item"], told["division"]) == ("gate", "RQ09", TOWN)
    (row,) = await list_refused_asks(scene.pool, scene.town, department=None, code=None, after=None, limit=5)
    assert (str(row.ask), row.title_zh, row.decided_by) == (told["ask"], ask.title_zh, "gate")
    assert await list_tasks(scene.pool, scene.town, department=None, after=None, limit=5) == []
    entries = await scene.rows("SELECT action FROM audit_entry WHERE subject = $1", told["ask"])
    assert entries == [{"action": "ask.refused.v1"}]


async def test_all_65_sample_asks_are_published_or_refused_and_none_is_silent(scene: "Scene") -> None:
    meeting, refused = await scene.meeting(), 0
    asks = [Ask(row.department, row.kind, row.title_zh, row.title_en, row.item) for row in jize().tasks]
    asks += [Ask(row.department, row.kind, row.title_zh, row.title_en, row.cites) for row in jize().off_list]
    for ask in asks:
        try:
            await publish_task(scene.pool, scene.town, meeting, ask, "all")
        except NotOnTheList:
            refused += 1
    figures = await show_statistics(scene.pool, scene.town)
    assert (figures.tasks, figures.shares, refused) == (42, 42 * 21, 23)
    assert (figures.asks_refused_at_gate, figures.letters_signed) == (23, 0)
    counts = await count_refused_asks(scene.pool, scene.town)
    assert sum(count.asks for count in counts) == 23
    assert {(count.department, count.code.value): count.asks for count in counts}["XCB", "negative_list"] == 2


async def test_without_a_list_nothing_is_published(bare: "Scene") -> None:
    with pytest.raises(NoListInForce):
        await bare.publish(ROAD)


async def test_a_meeting_publishes_to_its_own_villages_only(scene: "Scene") -> None:
    with pytest.raises(VillagesNotInMeeting):
        await scene.publish(ROAD, [DivisionCode("130431100003")])


async def test_a_meeting_belongs_to_its_township(scene: "Scene") -> None:
    meeting = await scene.meeting()
    with pytest.raises(DivisionUnknown):
        await hold_meeting(scene.pool, scene.town, OTHER_TOWN, scene.today, "工作部署会")
    with pytest.raises(NotFound):
        await publish_task(scene.pool, scene.other_town, meeting, ROAD, "all")
    with pytest.raises(Forbidden):
        await publish_task(scene.pool, scene.cadre, meeting, ROAD, "all")
