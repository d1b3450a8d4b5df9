"""The gate in depth: cadence, scope and term of an item, the same ask of two departments, to whom a task is open."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.tasks_events import AskKind, AskMerged, TaskPublished
from runtime.db import transaction
from tasks import task_store
from tasks.count_merged_asks import count_merged_asks
from tasks.count_refused_asks import count_refused_asks
from tasks.gate_rules import AskedAlready, NotOnTheList
from tasks.list_merged_asks import list_merged_asks
from tasks.list_refused_asks import list_refused_asks
from tasks.list_rules import VILLAGE_LIST
from tasks.publish_list_version import publish_list_version
from tasks.publish_task import Terms, publish_task
from tasks.show_task import show_task
from tests.integration.held_row import HeldRow
from tests.integration.tasks.conftest import NEIGHBOUR, ROAD, VILLAGE, sample_items, sample_negative

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

ROAD_AGAIN = Ask("NYJ", AskKind.TASK, "村内主路硬化", "Harden the main road of the village", "RS05")


async def put_in_force(scene: "Scene", code: str, **changed: Any) -> None:
    """A new version in which one item is different."""
    items = [item.model_copy(update=changed) if item.code == code else item for item in sample_items()]
    await publish_list_version(
        scene.pool, scene.operator, VILLAGE_LIST, effective_on=scene.today, items=items, negative=sample_negative()
    )


async def merging(scene: "Scene", ask: Ask, *villages: DivisionCode) -> TaskPublished | AskMerged:
    terms = Terms(if_duplicate="merge")
    return await publish_task(scene.pool, scene.town, await scene.meeting(), ask, villages, terms)


async def test_a_village_is_asked_under_an_item_as_often_in_a_year_as_it_says(scene: "Scene") -> None:
    await put_in_force(scene, "RQ03", asks_per_village_year_max=2)
    for _ in range(2):
        await scene.publish(ROAD)
    with pytest.raises(NotOnTheList) as refused:
        await scene.publish(ROAD, [VILLAGE, NEIGHBOUR])
    details = refused.value.details
    assert details["code"] == "beyond_item"
    assert details["beyond"] == {"limit": "cadence", "villages": [VILLAGE], "asks_per_village_year_max": 2}
    await scene.publish(ROAD, [NEIGHBOUR])
    (count,) = await count_refused_asks(scene.pool, scene.town)
    assert (count.department, count.code.value, count.decided_by, count.asks) == ("JTJ", "beyond_item", "gate", 1)


async def test_of_two_last_asks_at_once_one_passes(scene: "Scene") -> None:
    await put_in_force(scene, "RQ03", asks_per_village_year_max=1)
    meetings = [await scene.meeting() for _ in range(6)]
    asked = (publish_task(scene.pool, scene.town, meeting, ROAD, [VILLAGE]) for meeting in meetings)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == [*["NotOnTheList"] * 5, "TaskPublished"]


async def test_an_ask_waits_for_whoever_is_asking_the_same_village(scene: "Scene") -> None:
    """Two at once would each see that the other is not there."""
    meeting = await scene.meeting()
    (row,) = await scene.rows("SELECT id FROM division WHERE code = $1", VILLAGE)
    async with transaction(scene.pool, scene.service) as tx:
        await task_store.lock_asked_villages(tx, [row["id"]])
        asking = asyncio.create_task(publish_task(scene.pool, scene.town, meeting, ROAD, [VILLAGE]))
        await HeldRow(scene.pool).until_waited_for(by=1)
        assert not asking.done()
    assert isinstance(await asking, TaskPublished)


async def test_last_years_asks_do_not_count(scene: "Scene") -> None:
    await put_in_force(scene, "RQ03", asks_per_village_year_max=1)
    share = await scene.share(ROAD)
    await scene.rows("UPDATE share SET published_on = $2 WHERE id = $1", share, date(scene.today.year - 1, 12, 31))
    assert isinstance(await scene.publish(ROAD), TaskPublished)


async def test_an_item_of_one_village_is_asked_of_that_one_only(scene: "Scene") -> None:
    await put_in_force(scene, "RQ03", division=VILLAGE)
    with pytest.raises(NotOnTheList) as refused:
        await scene.publish(ROAD, [VILLAGE, NEIGHBOUR])
    assert refused.value.details["beyond"] == {"limit": "scope", "villages": [NEIGHBOUR], "division": VILLAGE}
    await scene.publish(ROAD, [VILLAGE])


async def test_an_item_whose_term_is_over_is_off_the_list(scene: "Scene") -> None:
    await put_in_force(scene, "RQ03", valid_to=scene.today - timedelta(days=1))
    with pytest.raises(NotOnTheList) as refused:
        await scene.publish(ROAD)
    assert refused.value.details["code"] == "off_list"


async def test_what_another_department_asked_is_refused_with_a_pointer_to_its_task(scene: "Scene") -> None:
    first = await scene.publish(ROAD)
    with pytest.raises(AskedAlready) as refused:
        await scene.publish(ROAD_AGAIN, [VILLAGE, NEIGHBOUR])
    details = refused.value.details
    assert (details["code"], refused.value.status) == ("duplicate", 409)
    assert details["earlier"] == {"task": str(first.task), "department": "JTJ", "villages": [VILLAGE]}
    (row,) = await list_refused_asks(scene.pool, scene.town, department="NYJ", code=None, after=None, limit=5)
    assert (row.code.value, row.earlier_task) == ("duplicate", first.task)
    assert isinstance(await scene.publish(ROAD_AGAIN, [NEIGHBOUR]), TaskPublished)


async def test_a_duplicate_is_merged_if_its_department_wishes(scene: "Scene") -> None:
    first = await scene.publish(ROAD, [VILLAGE, NEIGHBOUR])
    merged = await merging(scene, ROAD_AGAIN, NEIGHBOUR)
    assert isinstance(merged, AskMerged)
    assert merged.into == first.task
    (told,) = await scene.told("ask.merged.v1")
    assert told == merged.model_dump(mode="json")
    (row,) = await list_merged_asks(scene.pool, scene.town, department=None, after=None, limit=5)
    assert (row.ask, row.into, row.department, row.item) == (merged.ask, first.task, "NYJ", "RS05")
    assert await list_merged_asks(scene.pool, scene.other_town, department=None, after=None, limit=5) == []
    (count,) = await count_merged_asks(scene.pool, scene.town)
    assert (count.department, count.asks) == ("NYJ", 1)
    assert len(await scene.told("task.published.v1")) == 1


async def test_an_earlier_task_answers_for_no_village_that_it_was_not_asked_of(scene: "Scene") -> None:
    await scene.publish(ROAD, [VILLAGE])
    with pytest.raises(AskedAlready):
        await merging(scene, ROAD_AGAIN, VILLAGE, NEIGHBOUR)


async def test_after_the_window_the_same_may_be_asked_again(scene: "Scene") -> None:
    share = await scene.share(ROAD)
    await scene.rows("UPDATE share SET published_on = $2 WHERE id = $1", share, scene.today - timedelta(days=31))
    assert isinstance(await scene.publish(ROAD_AGAIN), TaskPublished)


async def test_a_task_says_to_whom_it_is_open_its_hours_and_the_latest_date(scene: "Scene") -> None:
    await put_in_force(scene, "RQ03", latest_working_days=10)
    event = await publish_task(
        scene.pool, scene.town, await scene.meeting(), ROAD, [VILLAGE, NEIGHBOUR], Terms(open_to="first")
    )
    assert isinstance(event, TaskPublished)
    assert event.latest_on is not None
    assert event.latest_on >= scene.today + timedelta(days=10)
    view = await show_task(scene.pool, scene.town, event.task)
    assert (view.open_to, view.hours_estimate, view.latest_on) == ("first", 40, event.latest_on)
    rows = await scene.rows("SELECT DISTINCT open_to, hours_estimate, latest_on FROM share")
    assert rows == [{"open_to": "first", "hours_estimate": 40, "latest_on": event.latest_on}]


async def test_the_same_department_may_ask_again(scene: "Scene") -> None:
    await scene.publish(ROAD)
    again = replace(ROAD, title_zh="村内主路硬化")
    assert isinstance(await scene.publish(again), TaskPublished)
