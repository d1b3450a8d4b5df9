"""Nobody sees, counts or touches another division's or department's rows."""

from typing import TYPE_CHECKING

import pytest

from qingdan.gate import Ask
from qingdan.tasks_events import AskKind
from runtime.actor import Actor, Role
from runtime.problems import NotFound
from tasks.count_refused_asks import count_refused_asks
from tasks.gate_rules import NotOnTheList
from tasks.list_refused_asks import list_refused_asks
from tasks.list_shares import list_shares
from tasks.list_tasks import list_tasks
from tasks.show_share import show_share
from tasks.show_statistics import Statistics, show_statistics
from tasks.show_task import show_task
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import COUNTY, OTHER_TOWN, ROAD, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene


async def busy(scene: "Scene") -> None:
    """Two departments' tasks for the village, and an ask of one of them that was refused."""
    await scene.publish(ROAD)
    await scene.publish(VISITS)
    with pytest.raises(NotOnTheList):
        await scene.publish(Ask("JTJ", AskKind.LETTER, "签订道路养护责任状", "Sign a pledge", "RQ03"))


async def seen_by(scene: "Scene", actor: Actor) -> tuple[int, int, int]:
    """How many tasks, shares and refused asks the actor's lists hold."""
    pool = scene.pool
    return (
        len(await list_tasks(pool, actor, department=None, after=None, limit=5)),
        len(await list_shares(pool, actor, limit=5)),
        len(await list_refused_asks(pool, actor, department=None, code=None, after=None, limit=5)),
    )


async def test_town_and_county_see_all_and_the_village_its_shares(scene: "Scene") -> None:
    await busy(scene)
    assert await seen_by(scene, scene.town) == (2, 2, 1)
    assert await seen_by(scene, scene.county) == (2, 2, 1)
    assert await seen_by(scene, scene.cadre) == (0, 2, 0)


async def test_others_see_and_count_nothing(scene: "Scene") -> None:
    await busy(scene)
    nothing = Statistics.model_validate(dict.fromkeys(Statistics.model_fields, 0))
    for actor in (scene.neighbour, scene.other_town, person(Role.VILLAGE_CADRE, OTHER_TOWN)):
        assert await seen_by(scene, actor) == (0, 0, 0)
        assert await show_statistics(scene.pool, actor) == nothing
        assert await count_refused_asks(scene.pool, actor) == []


async def test_a_department_sees_what_it_asked_itself(scene: "Scene") -> None:
    await busy(scene)
    roads, welfare = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("JTJ", "MZJ"))
    assert await seen_by(scene, roads) == (1, 1, 1)
    assert await seen_by(scene, welfare) == (1, 1, 0)
    assert [count.code.value for count in await count_refused_asks(scene.pool, roads)] == ["negative_list"]


async def test_a_single_task_or_share_of_others_is_not_found(scene: "Scene") -> None:
    event = await scene.publish(ROAD)
    with pytest.raises(NotFound):
        await show_task(scene.pool, scene.other_town, event.task)
    with pytest.raises(NotFound):
        await show_share(scene.pool, scene.neighbour, event.shares[0].share)
