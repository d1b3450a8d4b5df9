"""Work access and the clock: the desk by due time, delegations, escalation, emergencies that lapse."""

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from qingdan.access_events import EmergencyEntered
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.tasks_events import AskKind
from runtime.actor import Role
from runtime.clock import utcnow
from runtime.db import Version, transaction
from runtime.problems import Forbidden, NotFound, StaleVersion
from runtime.workdays import Calendar
from tasks.application_rules import (
    CountyAdmits,
    DecidedBefore,
    MayNotDecide,
    NegativeListClash,
    OwnApplication,
    ReviewOver,
)
from tasks.change_stages import change_stages
from tasks.claim_task import claim_task
from tasks.delegate_approvals import delegate_approvals
from tasks.delegation_rules import DelegationOver, DelegationUnfit
from tasks.enter_emergency import enter_emergency
from tasks.escalate_applications import escalate_applications
from tasks.gate_rules import NotOnTheList
from tasks.lapse_emergencies import lapse_emergencies
from tasks.list_delegations import list_delegations
from tasks.list_rules import VILLAGE_LIST
from tasks.revoke_delegation import revoke_delegation
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
    approved,
    decide,
    look,
)
from tests.integration.tasks.conftest import COUNTY, NEIGHBOUR, TOWN

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
    application = await applied(scene, by=OFFICE)
    await approved(scene, application, but_the_last=True)
    delegate = person(Role.DEPARTMENT_STAFF, COUNTY, "ZFB", name="delegate")
    await delegate_approvals(scene.pool, OFFICE, delegate.subject, scene.today, scene.today)
    with pytest.raises(OwnApplication):
        await decide(scene, delegate, application)


async def test_who_was_handed_the_decisions_hands_nothing_on_and_no_circle_of_them_speaks_twice(
    scene: "Scene",
) -> None:
    application, today = await applied(scene), scene.today
    await delegate_approvals(scene.pool, RURAL, STAND_IN.subject, today, today)
    with pytest.raises(Forbidden):  # STAND_IN has a delegation and not the role
        await delegate_approvals(scene.pool, STAND_IN, "third@NYJ", today, today)
    await delegate_approvals(scene.pool, RURAL, RURAL_2.subject, today, today)
    await delegate_approvals(scene.pool, RURAL_2, RURAL.subject, today, today)
    await decide(scene, RURAL_2, application)
    for one_person in (RURAL, RURAL_2, STAND_IN):
        with pytest.raises(DecidedBefore):
            await decide(scene, one_person, application)


async def test_a_delegation_holds_from_its_first_day_to_its_last(
    scene: "Scene", monkeypatch: pytest.MonkeyPatch
) -> None:
    day = timedelta(days=1)
    await delegate_approvals(scene.pool, RURAL, STAND_IN.subject, scene.today + day, scene.today + 2 * day)
    application = await applied(scene)
    for later, holds in ((0, False), (1, True), (2, True), (3, False)):
        monkeypatch.setattr("tasks.show_desk.utcnow", lambda later=later: utcnow() + later * day)
        if holds:
            assert await desk(scene, STAND_IN) == [application]
        else:
            with pytest.raises(MayNotDecide):
                await desk(scene, STAND_IN)


async def test_a_delegation_is_revoked_from_the_day_on_and_stays_known(scene: "Scene") -> None:
    first, second = await applied(scene), await applied(scene)
    given = await delegate_approvals(scene.pool, RURAL, STAND_IN.subject, scene.today, scene.today + timedelta(days=7))
    await decide(scene, STAND_IN, first)
    for stranger, refusal in ((STAND_IN, Forbidden), (PARTY, NotFound)):
        with pytest.raises(refusal):
            await revoke_delegation(scene.pool, stranger, given.delegation, expected=Version(1))
    with pytest.raises(StaleVersion):
        await revoke_delegation(scene.pool, RURAL, given.delegation, expected=Version(2))
    revoked = await revoke_delegation(scene.pool, RURAL_2, given.delegation, expected=Version(1))
    assert (revoked.revoked_on, revoked.revoked_by, revoked.version) == (scene.today, RURAL_2.subject, 2)
    with pytest.raises(MayNotDecide):
        await decide(scene, STAND_IN, second)
    with pytest.raises(DelegationOver):
        await revoke_delegation(scene.pool, RURAL, given.delegation, expected=Version(2))
    with pytest.raises(DecidedBefore):  # what the delegate said in one's name stands
        await decide(scene, RURAL, first)
    assert await list_delegations(scene.pool, RURAL) == []
    assert await list_delegations(scene.pool, RURAL, ended=True) == [revoked]
    assert len(await scene.rows("SELECT 1 FROM audit_entry WHERE action = 'access.delegation-revoked'")) == 1


async def test_a_delegation_is_to_another_person_for_a_time_that_is_not_over(scene: "Scene") -> None:
    today, week = scene.today, timedelta(days=7)
    unfit: list[tuple[str, date, date]] = [
        (RURAL.subject, today, today),
        (STAND_IN.subject, today - week, today - timedelta(days=1)),
        (STAND_IN.subject, today, today - week),
        (STAND_IN.subject, today, today + timedelta(days=184)),
        (STAND_IN.subject, today, date.max),
    ]
    for delegate, from_on, to_on in unfit:
        with pytest.raises(DelegationUnfit):
            await delegate_approvals(scene.pool, RURAL, delegate, from_on, to_on)
    with pytest.raises(Forbidden):
        await delegate_approvals(scene.pool, STAND_IN, "x", today, today)
    await delegate_approvals(scene.pool, RURAL, "far-away@NYJ", date.max, date.max)
    later = await delegate_approvals(scene.pool, RURAL, STAND_IN.subject, today + week, today + week)
    with pytest.raises(MayNotDecide):
        await desk(scene, STAND_IN)
    assert (await list_delegations(scene.pool, RURAL_2))[-1] == later
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


async def test_nothing_starves_on_a_desk_of_150_and_the_oldest_are_escalated_first(scene: "Scene") -> None:
    for _ in range(150):
        await applied(scene)
    async with transaction(scene.pool, scene.service) as tx:  # whoever came last is due first
        await tx.execute(
            "UPDATE access_application a SET due_on = $1::date - n.at, escalate_after = $1::date - n.at"
            " FROM (SELECT id, row_number() OVER (ORDER BY id)::integer AS at FROM access_application) AS n"
            " WHERE n.id = a.id",
            scene.today,
        )
    rows = await scene.rows("SELECT id FROM access_application ORDER BY due_on, id")
    by_due_date = [row["id"] for row in rows]
    seen: list[ApplicationId] = []
    behind: DeskPosition | None = None
    while page := await show_desk(scene.pool, RURAL, after=behind, limit=40):
        seen += [row.application for row in page]
        behind = DeskPosition(page[-1].due_on, page[-1].application)
    assert seen == by_due_date
    assert await escalate_applications(scene.pool, scene.service, scene.today)
    escalated = await scene.rows("SELECT id FROM access_application WHERE escalated = 1 ORDER BY due_on, id")
    assert [row["id"] for row in escalated] == by_due_date[:100]
    assert not await escalate_applications(scene.pool, scene.service, scene.today)
    assert [row["id"] for row in await scene.rows("SELECT id FROM access_application WHERE escalated <> 1")] == []


async def test_no_approval_comes_after_the_last_day_even_where_the_item_has_not_lapsed_yet(
    scene: "Scene", monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = await flood(scene)
    monkeypatch.setattr("tasks.decide_application.utcnow", lambda: utcnow() + timedelta(days=15))
    with pytest.raises(ReviewOver):
        await decide(scene, PARTY, entered.application)
    monkeypatch.setattr("tasks.decide_application.utcnow", lambda: utcnow() + timedelta(days=14))
    assert (await decide(scene, PARTY, entered.application)).outcome == "waits"


async def test_a_returned_emergency_lapses_as_well(scene: "Scene") -> None:
    entered = await flood(scene)
    await decide(scene, PARTY, entered.application, "return", "unclear")
    assert await lapse_emergencies(scene.pool, scene.service, entered.review_by + timedelta(days=1))
    assert (await look(scene, entered.application)).state == "lapsed"


async def test_what_was_asked_under_an_emergency_stays_and_nothing_is_asked_under_it_any_more(scene: "Scene") -> None:
    entered = await flood(scene)
    ask = Ask("JTJ", AskKind.TASK, WANTED.title_zh, WANTED.title_en, entered.item)
    asked = await scene.publish(ask)
    await decide(scene, PARTY, entered.application, "refuse", "no_emergency")
    with pytest.raises(NotOnTheList):
        await scene.publish(ask, (NEIGHBOUR,))
    share = asked.shares[0].share
    await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(1))
    assert (await scene.look(share)).list_version == entered.version


async def test_only_the_county_enters_an_emergency(scene: "Scene") -> None:
    for place in (TOWN, DivisionCode("130000000000")):
        with pytest.raises(CountyAdmits):
            await enter_emergency(scene.pool, replace(OFFICE, division=place), "YJJ", "flood", WANTED)
    assert await codes(scene) == []


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
    yesterday = today - timedelta(days=1)
    with pytest.raises(StagesNotLater):  # what stood on a day that is past, stands
        await change_stages(pool, operator, "ordinary", [stage], review_days=None, effective_on=yesterday)
    with pytest.raises(Forbidden):
        await change_stages(pool, OFFICE, "ordinary", [stage], review_days=None, effective_on=today)
