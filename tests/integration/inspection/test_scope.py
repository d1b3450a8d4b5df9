"""Nobody sees, counts or touches another division's or department's rows."""

from typing import TYPE_CHECKING

import pytest

from inspection.finding_rules import Found
from inspection.finish_visit import finish_visit
from inspection.list_difficulties import list_difficulties
from inspection.list_findings import list_findings
from inspection.list_shares import list_shares
from inspection.list_visits import list_visits
from inspection.plan_visit import plan_visit
from inspection.raise_difficulty import raise_difficulty
from inspection.rectify_finding import rectify_finding
from inspection.show_share import show_share
from inspection.show_statistics import Statistics, show_statistics
from inspection.show_visit import show_visit
from qingdan.divisions import DivisionCode
from qingdan.ids import FindingId, VisitId
from runtime.actor import Actor, Role
from runtime.db import Version
from runtime.problems import NotFound
from tests.integration.inspection.conftest import Told
from tests.integration.service_scene import person

if TYPE_CHECKING:
    from tests.integration.inspection.conftest import Scene

CRACKS = Found(category="quality", text="路面有裂缝", suggestion="重新灌缝")
COUNTY = DivisionCode("130431000000")


async def supervised(scene: "Scene") -> tuple[Told, VisitId, FindingId]:
    """The village has a share, a visit, a finding and a difficulty."""
    told = await scene.tell_of_reported_share()
    visit = (await plan_visit(scene.pool, scene.supervisor, told.share, scene.today)).visit
    await finish_visit(scene.pool, scene.supervisor, visit, scene.today, [CRACKS], expected=Version(1))
    await raise_difficulty(scene.pool, scene.cadre, "funding", "缺少资金", None)
    (finding,) = await list_findings(scene.pool, scene.cadre, state=None, visit=visit, after=None, limit=5)
    return told, visit, finding.finding


async def seen_by(scene: "Scene", actor: Actor) -> tuple[int, int, int, int]:
    """How many shares, visits, findings and difficulties the actor's lists hold."""
    pool = scene.pool
    return (
        len(await list_shares(pool, actor, state=None, after=None, limit=5)),
        len(await list_visits(pool, actor, state=None, share=None, after=None, limit=5)),
        len(await list_findings(pool, actor, state=None, visit=None, after=None, limit=5)),
        len(await list_difficulties(pool, actor, state=None, after=None, limit=5)),
    )


async def test_the_village_its_town_and_the_county_see_it(scene: "Scene") -> None:
    await supervised(scene)
    for actor in (scene.cadre, scene.supervisor, scene.town, person(Role.SUPERVISOR, COUNTY)):
        assert await seen_by(scene, actor) == (1, 1, 1, 1)


async def test_another_village_and_another_town_see_and_count_nothing(scene: "Scene") -> None:
    told, visit, _ = await supervised(scene)
    nothing = Statistics(**dict.fromkeys(Statistics.model_fields, 0))
    for actor in (scene.neighbour, scene.other_supervisor):
        assert await seen_by(scene, actor) == (0, 0, 0, 0)
        assert await show_statistics(scene.pool, actor) == nothing
        with pytest.raises(NotFound):
            await show_visit(scene.pool, actor, visit)
        with pytest.raises(NotFound):
            await show_share(scene.pool, actor, told.share)


async def test_another_villages_finding_cannot_be_rectified(scene: "Scene") -> None:
    _, _, finding = await supervised(scene)
    with pytest.raises(NotFound):
        await rectify_finding(scene.pool, scene.neighbour, finding, "已处理", [], expected=Version(1))


async def test_another_towns_team_plans_and_finishes_nothing_here(scene: "Scene") -> None:
    told, visit, _ = await supervised(scene)
    with pytest.raises(NotFound):
        await plan_visit(scene.pool, scene.other_supervisor, told.share, scene.today)
    with pytest.raises(NotFound):
        await finish_visit(scene.pool, scene.other_supervisor, visit, scene.today, [], expected=Version(2))


async def test_a_department_sees_what_it_asked_and_no_more(scene: "Scene") -> None:
    await supervised(scene)
    asker = person(Role.DEPARTMENT_STAFF, COUNTY, "JTJ")
    assert await seen_by(scene, asker) == (1, 1, 1, 0)  # the difficulty is about none of its shares
    assert await seen_by(scene, person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ")) == (0, 0, 0, 0)


async def test_what_a_department_cannot_be_known_of_no_department_sees(scene: "Scene") -> None:
    await scene.hear(Told().completed())
    assert (await seen_by(scene, person(Role.DEPARTMENT_STAFF, COUNTY, "JTJ")))[0] == 0
    assert (await seen_by(scene, scene.town))[0] == 1


async def test_every_foreign_key_of_the_service_is_indexed(scene: "Scene") -> None:
    unindexed = await scene.rows(
        """
        SELECT c.conrelid::regclass::text AS table_name, a.attname::text AS column_name
        FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT 1 FROM pg_index i
            WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1] AND i.indpred IS NULL)
        """
    )
    assert unindexed == []


async def test_every_table_of_the_service_is_bound_to_a_scope(scene: "Scene") -> None:
    unbound = await scene.rows(
        """
        SELECT relname::text FROM pg_class c
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'schema_migration'
          AND NOT (relrowsecurity AND relforcerowsecurity
                   AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid))
        """
    )
    assert unbound == []
