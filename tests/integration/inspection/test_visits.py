"""The loop of supervision: planned, done, rectified, checked again and again, closed once."""

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from inspection import finding_rules, visit_rules
from inspection.finding_rules import Found
from inspection.finish_visit import finish_visit
from inspection.list_findings import FindingView, list_findings
from inspection.list_visits import list_visits
from inspection.plan_visit import plan_visit
from inspection.recheck_finding import recheck_finding
from inspection.rectify_finding import rectify_finding
from inspection.show_statistics import show_statistics
from inspection.show_visit import show_visit
from qingdan.ids import ShareId, VisitId
from qingdan.origin import Origin
from runtime.db import Version
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound, StaleVersion
from tests.integration.inspection.conftest import Told

if TYPE_CHECKING:
    from tests.integration.inspection.conftest import Scene

CRACKS = Found(category="quality", text="路面有裂缝", suggestion="重新灌缝")
DITCH = Found(category="drainage", text="边沟堵塞", suggestion="清理边沟")
FIRST = Version(1)


async def planned(scene: "Scene") -> VisitId:
    told = await scene.tell_of_reported_share()
    return (await plan_visit(scene.pool, scene.supervisor, told.share, scene.today)).visit


async def with_findings(scene: "Scene", *found: Found) -> tuple[VisitId, list[FindingView]]:
    visit = await planned(scene)
    await finish_visit(scene.pool, scene.supervisor, visit, scene.today, found, expected=FIRST)
    return visit, await list_findings(scene.pool, scene.cadre, state=None, visit=visit, after=None, limit=50)


async def rectify(scene: "Scene", finding: FindingView, *, version: int = 1) -> None:
    await rectify_finding(scene.pool, scene.cadre, finding.finding, "已处理", [], expected=Version(version))


async def recheck(scene: "Scene", finding: FindingView, *, passed: bool, version: int = 2) -> None:
    await recheck_finding(
        scene.pool, scene.supervisor, finding.finding, "现场查看", passed=passed, expected=Version(version)
    )


async def test_a_visit_is_planned_from_a_report_and_told_under_its_own_key(scene: "Scene") -> None:
    told = await scene.tell_of_reported_share()
    event = await plan_visit(scene.pool, scene.supervisor, told.share, scene.today)
    assert (event.share, event.task, event.village, event.origin) == (told.share, told.task, told.village, told.origin)
    assert await scene.told_keys() == [("visit.planned.v1", str(event.visit))]
    audited = await scene.rows("SELECT actor, action, subject FROM audit_entry WHERE action LIKE 'visit.%'")
    assert audited == [{"actor": scene.supervisor.subject, "action": "visit.planned.v1", "subject": str(event.visit)}]


async def test_a_share_without_a_report_is_not_visited(scene: "Scene") -> None:
    told = Told()
    await scene.hear(told.published(), told.claimed())
    with pytest.raises(visit_rules.NothingReported):
        await plan_visit(scene.pool, scene.supervisor, told.share, scene.today)


async def test_of_two_plans_at_once_one_is_refused(scene: "Scene") -> None:
    told = await scene.tell_of_reported_share()
    plans = [plan_visit(scene.pool, scene.supervisor, told.share, scene.today) for _ in range(4)]
    outcomes = await asyncio.gather(*plans, return_exceptions=True)
    assert sum(isinstance(outcome, visit_rules.VisitIsOpen) for outcome in outcomes) == 3
    assert len(await scene.told_keys()) == 1


async def test_a_share_that_nobody_told_of_is_not_found(scene: "Scene") -> None:
    with pytest.raises(NotFound):
        await plan_visit(scene.pool, scene.supervisor, ShareId(new_id()), scene.today)


async def test_a_visit_without_findings_closes_passed_at_once(scene: "Scene") -> None:
    visit = await planned(scene)
    await finish_visit(scene.pool, scene.supervisor, visit, scene.today, [], expected=FIRST)
    assert [kind for kind, _ in await scene.told_keys()] == ["visit.planned.v1", "visit.done.v1", "visit.closed.v1"]
    view = await show_visit(scene.pool, scene.cadre, visit)
    assert (view.state, view.closed_on, view.findings, view.version) == ("closed", scene.today, [], 2)


async def test_every_event_of_a_visit_has_the_visits_key_in_the_order_of_the_acts(scene: "Scene") -> None:
    visit, (cracks, ditch) = await with_findings(scene, CRACKS, DITCH)
    await rectify(scene, cracks)
    await rectify(scene, ditch)
    await recheck(scene, cracks, passed=False)
    await recheck(scene, ditch, passed=True)
    await rectify(scene, cracks, version=3)
    await recheck(scene, cracks, passed=True, version=4)
    told = await scene.told_keys()
    assert {key for _, key in told} == {str(visit)}
    assert [kind.removesuffix(".v1") for kind, _ in told] == [
        *("visit.planned", "visit.done", "finding.raised", "suggestion.made", "finding.raised", "suggestion.made"),
        *("finding.rectified", "finding.rectified", "recheck.failed", "recheck.passed"),
        *("finding.rectified", "recheck.passed", "visit.closed"),
    ]


async def test_every_event_of_a_visit_leads_back_to_the_removal_order(scene: "Scene") -> None:
    told = Told(origin=Origin(service="signage", kind="removal_order", id=new_id()))
    await scene.hear(told.published(inspect=True), told.claimed(), told.reported_done())
    (visit,) = await list_visits(scene.pool, scene.supervisor, state="planned", share=None, after=None, limit=5)
    await finish_visit(scene.pool, scene.supervisor, visit.visit, scene.today, [CRACKS], expected=FIRST)
    (cracks,) = await list_findings(scene.pool, scene.cadre, state=None, visit=visit.visit, after=None, limit=5)
    await rectify(scene, cracks)
    await recheck(scene, cracks, passed=False)
    await rectify(scene, cracks, version=3)
    await recheck(scene, cracks, passed=True, version=4)
    bodies = [json.loads(row["value"]) for row in await scene.rows("SELECT value FROM outbox ORDER BY seq")]
    assert {body["type"].removesuffix(".v1") for body in bodies} == {
        *("visit.planned", "visit.done", "finding.raised", "suggestion.made", "finding.rectified"),
        *("recheck.failed", "recheck.passed", "visit.closed"),
    }
    assert [body["origin"] for body in bodies] == [told.origin.model_dump(mode="json")] * len(bodies)


async def test_the_visits_history_shows_every_rectification_and_recheck(scene: "Scene") -> None:
    visit, (cracks,) = await with_findings(scene, CRACKS)
    await rectify(scene, cracks)
    await recheck(scene, cracks, passed=False)
    await rectify(scene, cracks, version=3)
    await recheck(scene, cracks, passed=True, version=4)
    view = await show_visit(scene.pool, scene.cadre, visit)
    assert (view.state, view.finding_count, view.failed_rechecks) == ("closed", 1, 1)
    (history,) = view.findings
    assert (history.text, history.suggestion, history.state) == (CRACKS.text, CRACKS.suggestion, "passed")
    assert len(history.rectifications) == 2
    assert [seen.passed for seen in history.rechecks] == [False, True]


async def test_a_visits_version_grows_with_everything_that_belongs_to_it(scene: "Scene") -> None:
    visit, (cracks,) = await with_findings(scene, CRACKS)
    assert await scene.version("visit", visit) == 2
    await rectify(scene, cracks)
    await recheck(scene, cracks, passed=True)
    assert await scene.version("visit", visit) == 4
    assert await scene.version("finding", cracks.finding) == 3


async def test_two_last_rechecks_at_once_close_the_visit_once(scene: "Scene") -> None:
    found = [CRACKS, DITCH, CRACKS, DITCH, CRACKS, DITCH]
    visit, findings = await with_findings(scene, *found)
    for finding in findings:
        await rectify(scene, finding)
    await asyncio.gather(*(recheck(scene, finding, passed=True) for finding in findings))
    told = [kind for kind, _ in await scene.told_keys()]
    assert told.count("visit.closed.v1") == 1
    assert told[-1] == "visit.closed.v1"
    assert (await show_visit(scene.pool, scene.cadre, visit)).state == "closed"


async def test_a_stale_version_is_refused_and_changes_nothing(scene: "Scene") -> None:
    visit, (cracks,) = await with_findings(scene, CRACKS)
    with pytest.raises(StaleVersion):
        await rectify(scene, cracks, version=7)
    with pytest.raises(StaleVersion):
        await finish_visit(scene.pool, scene.supervisor, visit, scene.today, [], expected=FIRST)
    view = await show_visit(scene.pool, scene.cadre, visit)
    assert (view.version, view.findings[0].state, view.findings[0].version) == (2, "open", 1)


async def test_the_village_does_not_check_itself_and_the_team_does_not_rectify(scene: "Scene") -> None:
    visit, (cracks,) = await with_findings(scene, CRACKS)
    with pytest.raises(Forbidden):
        await rectify_finding(scene.pool, scene.supervisor, cracks.finding, "已处理", [], expected=FIRST)
    await rectify(scene, cracks)
    with pytest.raises(Forbidden):
        await recheck_finding(scene.pool, scene.cadre, cracks.finding, "", passed=True, expected=Version(2))
    with pytest.raises(Forbidden):
        await finish_visit(scene.pool, scene.cadre, visit, scene.today, [], expected=Version(2))
    with pytest.raises(Forbidden):
        await plan_visit(scene.pool, scene.cadre, (await show_visit(scene.pool, scene.cadre, visit)).share, scene.today)


async def test_a_recheck_before_any_rectification_is_refused(scene: "Scene") -> None:
    _, (cracks,) = await with_findings(scene, CRACKS)
    with pytest.raises(finding_rules.NotRectified):
        await recheck(scene, cracks, passed=True, version=1)


async def test_after_a_visit_is_closed_the_next_can_be_planned(scene: "Scene") -> None:
    told = await scene.tell_of_reported_share()
    first = await plan_visit(scene.pool, scene.supervisor, told.share, scene.today)
    await finish_visit(scene.pool, scene.supervisor, first.visit, scene.today, [], expected=FIRST)
    second = await plan_visit(scene.pool, scene.supervisor, told.share, scene.today)
    assert second.visit != first.visit


async def test_reporting_done_plans_no_second_visit_while_one_is_open(scene: "Scene") -> None:
    told = Told()
    await scene.hear(told.published(inspect=True), told.claimed(), told.progressed())
    await plan_visit(scene.pool, scene.supervisor, told.share, scene.today)
    await scene.hear(told.reported_done())
    assert [kind for kind, _ in await scene.told_keys()] == ["visit.planned.v1"]


async def test_visits_are_paged_by_the_day_they_are_planned_for(scene: "Scene") -> None:
    days = [3, 1, 2, 1, 0]
    for day in days:
        told = await scene.tell_of_reported_share()
        await plan_visit(scene.pool, scene.supervisor, told.share, scene.today + timedelta(days=day))
    seen, after = [], None
    while page := await list_visits(scene.pool, scene.supervisor, state="planned", share=None, after=after, limit=2):
        seen += page
        after = page[-1].position
    assert [view.planned_on for view in seen] == [scene.today + timedelta(days=day) for day in sorted(days)]
    assert len({view.visit for view in seen}) == len(days)


async def test_statistics_are_counted_from_rows(scene: "Scene") -> None:
    _, (cracks, _) = await with_findings(scene, CRACKS, DITCH)
    await rectify(scene, cracks)
    await recheck(scene, cracks, passed=True)
    counted = await show_statistics(scene.pool, scene.supervisor)
    assert (counted.shares, counted.shares_claimed, counted.visits, counted.visits_done) == (1, 1, 1, 1)
    assert (counted.findings, counted.findings_open, counted.findings_passed) == (2, 1, 1)
    assert (counted.rechecks_passed, counted.rechecks_failed) == (1, 0)
