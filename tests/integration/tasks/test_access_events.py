"""Departments apply by event: what is complete goes to the first stage, what is not is returned there."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from qingdan.access_events import AccessApplied
from qingdan.envelope import Envelope, party_source
from qingdan.event import EventBody
from runtime.clock import utcnow
from runtime.db import Version, transaction
from runtime.divisions import DivisionUnknown
from runtime.ids import new_id
from runtime.runs import cut_into_runs
from runtime.settings import ServiceSettings
from tasks.application_rules import CategoryNotApplicable, CategoryOfAnotherList, NotYourDepartment, NotYourStage
from tasks.consumers import on_access
from tasks.list_applications import list_applications
from tasks.list_rules import NoListInForce
from tasks.resubmit_application import resubmit_application
from tests.integration.tasks.access_people import OFFICE, ROADS, RURAL, WANTED, approved, decide, event, look

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene


async def hear(scene: "Scene", *applied: AccessApplied) -> None:
    """What the consumer does with one poll of a department's topic."""
    heard: list[Envelope[EventBody]] = [
        Envelope.of(each, id=str(new_id()), source=party_source(f"department:{each.department.lower()}"), time=utcnow())
        for each in applied
    ]
    async with transaction(scene.pool, scene.service) as tx:
        for run in cut_into_runs(heard):
            await on_access.handler(tx, run)


async def told(scene: "Scene") -> list[str]:
    return [body["type"] for body in await scene.told()][1:]  # after the sample list


def test_each_department_of_the_settings_has_a_topic_and_nobody_else() -> None:
    def topics(*departments: str) -> list[str]:
        settings = cast(ServiceSettings, SimpleNamespace(departments=departments))
        return [each.topic.name for each in on_access.subscriptions(settings)]

    assert topics("JTJ", "MZJ") == ["in.access.jtj.v1", "in.access.mzj.v1"]
    assert topics() == []


async def test_a_complete_application_goes_the_whole_way(scene: "Scene") -> None:
    applied = event()
    await hear(scene, applied)
    shown = await look(scene, applied.application)
    assert (shown.origin, shown.state, shown.waiting_for) == ("event", "under_review", ["NYJ"])
    assert [row.application for row in await list_applications(scene.pool, ROADS, limit=5)] == [applied.application]
    await approved(scene, applied.application)
    assert await told(scene) == ["access.received.v1", "access.approved.v1", "list.version-took-effect.v1"]


async def test_what_lacks_parts_is_returned_at_the_completeness_check_and_completed_over_http_or_by_event(
    scene: "Scene",
) -> None:
    by_http, by_event = event(reason=None, issued_on=None), event(hours_estimate=None)
    await hear(scene, by_http, by_event)
    shown = await look(scene, by_http.application)
    (opinion,) = shown.opinions
    assert (shown.state, opinion.stage, opinion.code) == ("returned", "completeness", "incomplete")
    assert opinion.reason == "缺少 / missing: reason, issued_on"
    await resubmit_application(scene.pool, ROADS, by_http.application, WANTED, expected=Version(shown.version))
    await hear(scene, event(application=by_event.application))
    for application in (by_http.application, by_event.application):
        shown = await look(scene, application)
        assert (shown.state, shown.round, shown.stage) == ("under_review", 2, "completeness")
        assert (await decide(scene, RURAL, application)).outcome == "next_stage"


async def test_an_application_told_twice_is_received_once(scene: "Scene") -> None:
    applied = event()
    await hear(scene, applied, applied)
    await hear(scene, applied)
    assert await told(scene) == ["access.received.v1"]


async def test_what_the_negative_list_forbids_is_refused_without_parking(scene: "Scene") -> None:
    letter = event(kinds=["letter"])
    await hear(scene, letter)
    assert await told(scene) == ["access.received.v1", "access.refused.v1"]
    assert (await look(scene, letter.application)).refusal_code == "negative_list"


async def test_who_sent_for_a_reviewing_department_is_unknown_so_nobody_of_it_decides(scene: "Scene") -> None:
    applied = event(department="NYJ", askers=["NYJ"])
    await hear(scene, applied)
    with pytest.raises(NotYourStage):
        await decide(scene, RURAL, applied.application)
    assert (await decide(scene, OFFICE, applied.application)).waiting_for == ["ZZB", "MZJ"]


async def test_an_application_that_is_completed_by_event_stays_in_its_county(scene: "Scene") -> None:
    lacking = event(reason=None)
    await hear(scene, lacking)
    for nowhere in ("130000000000", "999999999999"):
        with pytest.raises(DivisionUnknown):
            await hear(scene, event(application=lacking.application, division=nowhere))
    await hear(scene, event(application=lacking.application, division="130431105000"))
    shown = await look(scene, lacking.application)
    assert (shown.state, shown.round, shown.wanted.division) == ("under_review", 2, "130431105000")


async def test_a_kind_that_is_named_often_is_one_kind(scene: "Scene") -> None:
    applied = event(kinds=["task"] * 20)
    await hear(scene, applied)
    assert (await look(scene, applied.application)).wanted.kinds == ("task",)


async def test_what_is_no_application_for_access_is_parked(scene: "Scene") -> None:
    applied = event()
    await hear(scene, applied)
    for wrong, kind in (
        (event(category="negative"), CategoryNotApplicable),
        (event(category="basic"), CategoryOfAnotherList),
        (event(list_code="nowhere"), NoListInForce),
        (event(division="999999999999"), DivisionUnknown),
        (event(application=applied.application, department="MZJ"), NotYourDepartment),
    ):
        with pytest.raises(kind):
            await hear(scene, wrong)
    assert await told(scene) == ["access.received.v1"]
