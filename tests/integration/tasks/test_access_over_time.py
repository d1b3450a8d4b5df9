"""Work access and the clock: the desk by due time, delegations, escalation, emergencies that lapse."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from qingdan.access_events import EmergencyEntered
from runtime.actor import Role
from runtime.problems import Forbidden
from runtime.workdays import Calendar
from tasks.application_rules import DecidedBefore, MayNotDecide, NegativeListClash, OwnApplication
from tasks.change_stages import change_stages
from tasks.delegate_approvals import delegate_approvals
from tasks.delegation_rules import DelegationUnfit
from tasks.enter_emergency import enter_emergency
from tasks.escalate_applications import escalate_applications
from tasks.lapse_emergencies import lapse_emergencies
from tasks.list_delegations import list_delegations
from tasks.list_rules import VILLAGE_LIST
from tasks.show_desk import DeskPosition, show_desk
from tasks.show_list import show_list
from tasks.show_stages import show_stages
from tasks.stage_rules import Stage, StagesNotLater, StagesUnfit
from tests.integration.service_scene import person
from tests.integration.tasks.access_people import (
    CIVIL,
    OFFICE,
    OFFICE_2,
    PARTY,
    ROADS,
    RURAL,
    RURAL_2,
    WANTED,
    applied,
    decide,
    look,
)
from tests.integration.tasks.conftest import COUNTY

if TYPE_CHECKING:
    from qingdan.ids import ApplicationId
    from runtime.actor import Actor
    from tests.integration.tasks.conftest import Scene

STAND_IN = person(Role.DEPARTMENT_STAFF, COUNTY, "NYJ", name="stand-in")


async def desk(scene: "Scene", actor: "Actor") -> list["ApplicationId"]:
    return [row.application for row in await show_desk(scene.pool, actor, after=None, limit=50)]


async def codes(scene: "Scene") -> list[str]:
    """The admitted items in force."""
    shown = await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)
    return [item.code for item in shown.items if item.code.startswith("AC")]


async def flood(scene: "Scene", **changes: object) -> EmergencyEntered:
    wanted = WANTED.model_validate({**WANTED.model_dump(), **changes})
    return await enter_emergency(scene.pool, OFFICE, "YJJ", "flood", wanted)


async def test_limits_are_working_days_and_the_desk_is_by_due_date(scene: "Scene") -> None:
    first, second = await applied(scene), await applied(scene)
    due = Calendar().add_working_days(scene.today, 3).on
    assert (await look(scene, first)).due_on == due
    await decide(scene, RURAL, first)
    assert (await look(scene, first)).due_on == Calendar().add_working_days(scene.today, 5).on
    assert await desk(scene, RURAL_2) == [second, first]  # the rural work office sits in both stages
    assert await desk(scene, PARTY) == [first]
    assert await desk(scene, OFFICE) == []
    assert await desk(scene, person(Role.ACCESS_APPROVER, COUNTY)) == [second, first]
    behind = DeskPosition(due, second)
    assert [row.application for row in await show_desk(scene.pool, RURAL_2, after=behind, limit=1)] == [first]
    with pytest.raises(MayNotDecide):
        await desk(scene, STAND_IN)


async def test_a_delegate_acts_on_behalf_and_counts_as_one_with_the_delegator(scene: "Scene") -> None:
    application = await applied(scene)
    with pytest.raises(MayNotDecide):
        await decide(scene, STAND_IN, application)
    await delegate_approvals(scene.pool, RURAL, STAND_IN.subject, scene.today, scene.today + timedelta(days=7))
    assert await desk(scene, STAND_IN) == [application]
    assert (await decide(scene, STAND_IN, application)).on_behalf_of == RURAL.subject
    for one_person in (STAND_IN, RURAL):
        with pytest.raises(DecidedBefore):
            await decide(scene, one_person, application)
    assert (await decide(scene, RURAL_2, application)).outcome == "waits"
    assert [each.on_behalf_of for each in (await look(scene, application)).opinions] == [RURAL.subject, None]


async def test_nobody_decides_on_their_own_application_through_a_delegate(scene: "Scene") -> None:
    application = await applied(scene, by=CIVIL)
    await decide(scene, RURAL, application)
    delegate = person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ", name="delegate")
    await delegate_approvals(scene.pool, CIVIL, delegate.subject, scene.today, scene.today)
    with pytest.raises(OwnApplication):
        await decide(scene, delegate, application)


async def test_a_delegation_is_to_another_person_for_a_time_that_is_not_over(scene: "Scene") -> None:
    today, week = scene.today, timedelta(days=7)
    unfit: list[tuple[str, date, date]] = [
        (RURAL.subject, today, today),
        (STAND_IN.subject, today - week, today - timedelta(days=1)),
        (STAND_IN.subject, today, today - week),
        (STAND_IN.subject, today, today + timedelta(days=184)),
    ]
    for delegate, from_on, to_on in unfit:
        with pytest.raises(DelegationUnfit):
            await delegate_approvals(scene.pool, RURAL, delegate, from_on, to_on)
    with pytest.raises(Forbidden):
        await delegate_approvals(scene.pool, STAND_IN, "x", today, today)
    later = await delegate_approvals(scene.pool, RURAL, STAND_IN.subject, today + week, today + week)
    with pytest.raises(MayNotDecide):
        await desk(scene, STAND_IN)
    assert await list_delegations(scene.pool, RURAL_2) == [later]
    assert await list_delegations(scene.pool, PARTY) == []


async def test_what_is_overdue_escalates_oldest_first_and_again_after_another_limit(scene: "Scene") -> None:
    application = await applied(scene)
    due = (await look(scene, application)).due_on
    await escalate_applications(scene.pool, scene.service, due)
    assert (await look(scene, application)).escalated == 0
    late = due + timedelta(days=1)
    for _ in range(2):  # the second turn finds nothing new
        await escalate_applications(scene.pool, scene.service, late)
    shown = await look(scene, application)
    assert (shown.escalated, shown.escalated_to, shown.steps[0].escalated_on) == (1, "ZFB", late)
    assert await desk(scene, OFFICE) == [application]
    assert await desk(scene, RURAL) == [application]
    again = Calendar().add_working_days(late, 3).on + timedelta(days=1)
    await escalate_applications(scene.pool, scene.service, again)
    notes = await scene.rows("SELECT subject FROM audit_entry WHERE action = 'access.escalated'")
    assert [note["subject"] for note in notes] == [str(application)] * 2
    await decide(scene, RURAL, application)
    assert (await look(scene, application)).escalated == 0  # the next stage is not late
    assert await desk(scene, OFFICE) == []


async def test_an_emergency_is_on_the_list_at_once_and_lapses_unless_it_is_reviewed(scene: "Scene") -> None:
    entered = await flood(scene)
    assert (entered.item, entered.version, entered.review_by) == ("AC01", 2, scene.today + timedelta(days=14))
    assert await codes(scene) == ["AC01"]
    assert not await lapse_emergencies(scene.pool, scene.service, entered.review_by)
    late = entered.review_by + timedelta(days=1)
    assert await lapse_emergencies(scene.pool, scene.service, late)
    assert not await lapse_emergencies(scene.pool, scene.service, late)
    (lapsed,) = await scene.told("access.emergency-lapsed.v1")
    assert (lapsed["item"], lapsed["version"], lapsed["lapsed_on"]) == ("AC01", 3, str(late))
    latest = await show_list(scene.pool, scene.cadre, VILLAGE_LIST, late)
    assert (latest.version, len(latest.items)) == (3, 43)
    shown = await look(scene, entered.application)
    assert (shown.state, shown.off_version, shown.waiting_for) == ("lapsed", 3, [])


async def test_an_emergency_approved_in_review_stays(scene: "Scene") -> None:
    entered = await flood(scene)
    for by in (PARTY, RURAL, CIVIL):
        await decide(scene, by, entered.application)
    with pytest.raises(OwnApplication):
        await decide(scene, OFFICE, entered.application)
    last = await decide(scene, OFFICE_2, entered.application)
    assert (last.outcome, last.item, last.list_version) == ("approved", "AC01", 2)
    assert not await lapse_emergencies(scene.pool, scene.service, entered.review_by + timedelta(days=1))
    assert await codes(scene) == ["AC01"]
    assert len(await scene.told("list.version-took-effect.v1")) == 2  # the sample list, and the emergency's version


async def test_a_refused_emergency_goes_off_the_list_and_its_code_is_not_given_again(scene: "Scene") -> None:
    entered = await flood(scene)
    await decide(scene, PARTY, entered.application, "refuse", "no_emergency")
    assert await codes(scene) == []
    assert (await look(scene, entered.application)).off_version == 3
    assert (await flood(scene)).item == "AC02"


async def test_only_an_approver_enters_an_emergency_and_never_what_is_forbidden(scene: "Scene") -> None:
    with pytest.raises(Forbidden):
        await enter_emergency(scene.pool, ROADS, "JTJ", "flood", WANTED)
    with pytest.raises(NegativeListClash):
        await flood(scene, kinds=["letter"])
    assert await codes(scene) == []


async def test_stages_are_data_and_work_in_flight_keeps_its_own(scene: "Scene") -> None:
    before = await applied(scene)
    short = Stage(
        code="approval",
        title_zh="审批",
        title_en="Approval",
        departments=("ZFB",),
        limit_working_days=2,
        escalate_to="ZFB",
    )
    changed = await change_stages(
        scene.pool, scene.operator, "ordinary", [short], review_days=None, effective_on=scene.today
    )
    assert (changed.version, (await show_stages(scene.pool, ROADS, "ordinary", None)).version) == (2, 2)
    after = await applied(scene)
    assert (await look(scene, before)).waiting_for == ["NYJ"]
    assert (await decide(scene, OFFICE, after)).outcome == "approved"
    assert (await decide(scene, RURAL, before)).outcome == "next_stage"


async def test_stages_that_do_not_fit_are_refused(scene: "Scene") -> None:
    (stage, *_) = (await show_stages(scene.pool, ROADS, "ordinary", None)).stages
    pool, operator, today = scene.pool, scene.operator, scene.today
    doubled = stage.model_copy(update={"departments": ("NYJ", "NYJ")})
    for stages, review_days in (([stage, stage], None), ([doubled], None), ([stage], 14)):
        with pytest.raises(StagesUnfit):
            await change_stages(pool, operator, "ordinary", stages, review_days=review_days, effective_on=today)
    with pytest.raises(StagesNotLater):
        await change_stages(pool, operator, "ordinary", [stage], review_days=None, effective_on=date(2022, 8, 1))
    with pytest.raises(Forbidden):
        await change_stages(pool, OFFICE, "ordinary", [stage], review_days=None, effective_on=today)
