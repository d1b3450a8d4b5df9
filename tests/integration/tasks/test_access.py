"""Work access: from a department's application through the stages to a new version of the list."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from qingdan.divisions import DivisionCode
from runtime.actor import Actor, Role
from runtime.db import Version
from runtime.problems import Forbidden, NotFound, StaleVersion
from tasks.application_rules import (
    CategoryNotApplicable,
    CountyAdmits,
    DecidedBefore,
    MayNotDecide,
    NegativeListClash,
    NotReturned,
    NotUnderReview,
    NotYourDepartment,
    NotYourStage,
    OwnApplication,
    TermOver,
)
from tasks.apply_for_access import apply_for_access
from tasks.decide_application import decide_application
from tasks.list_applications import list_applications
from tasks.list_rules import VILLAGE_LIST
from tasks.publish_list_version import publish_list_version
from tasks.resubmit_application import resubmit_application
from tasks.show_application import show_application
from tasks.show_list import show_list
from tests.integration.service_scene import person
from tests.integration.tasks.access_people import (
    CIVIL,
    OFFICE,
    OFFICE_2,
    PARTY,
    ROADS,
    RURAL,
    RURAL_2,
    SPORTS,
    WANTED,
    WELFARE,
    applied,
    approved,
    approver,
    decide,
    look,
)
from tests.integration.tasks.conftest import COUNTY, OTHER_TOWN, sample_items, sample_negative

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

PROVINCE = DivisionCode("130000000000")


async def test_three_stages_say_yes_and_a_new_version_takes_effect(scene: "Scene") -> None:
    application = await applied(scene)
    outcomes = [(await decide(scene, by, application)).outcome for by in (RURAL, PARTY, RURAL_2, CIVIL)]
    assert outcomes == ["next_stage", "waits", "waits", "next_stage"]
    last = await decide(scene, OFFICE, application)
    assert (last.outcome, last.item, last.list_version) == ("approved", "AC01", 2)
    shown = await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)
    (item,) = [item for item in shown.items if item.code == "AC01"]
    assert (shown.version, len(shown.items), len(shown.negative)) == (2, 44, 12)
    assert (item.title_zh, item.owner_department, item.askers, item.article) == (
        WANTED.title_zh,
        "JTJ",
        ("JTJ",),
        "第七条",
    )
    told = [body["type"] for body in await scene.told()][1:]
    assert told == ["access.received.v1", "access.approved.v1", "list.version-took-effect.v1"]
    assert "汛期前须掌握桥涵隐患" not in str(await scene.told())
    whole = await look(scene, application)
    assert (whole.state, whole.item, whole.list_version, whole.version) == ("approved", "AC01", 2, 6)
    assert [step.stage for step in whole.steps] == ["completeness", "joint_review", "approval"]
    assert [opinion.department for opinion in whole.opinions] == ["NYJ", "ZZB", "NYJ", "MZJ", "ZFB"]


async def test_codes_go_on_and_each_approval_makes_a_version(scene: "Scene") -> None:
    for _ in range(2):
        await approved(scene, await applied(scene))
    assert [(event["item"], event["version"]) for event in await scene.told("access.approved.v1")] == [
        ("AC01", 2),
        ("AC02", 3),
    ]


async def test_two_approvals_at_once_of_one_application_make_one_version(scene: "Scene") -> None:
    application = await applied(scene)
    await approved(scene, application, but_the_last=True)
    version = Version((await look(scene, application)).version)
    results = await asyncio.gather(
        *(
            decide_application(scene.pool, by, application, "approve", "lawful", "同意", expected=version)
            for by in (OFFICE, OFFICE_2)
        ),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Decision", "StaleVersion"]
    assert len(await scene.told("access.approved.v1")) == 1
    assert (await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)).version == 2


async def test_two_applications_approved_at_once_both_stand_on_the_list(scene: "Scene") -> None:
    both = [await applied(scene) for _ in range(2)]
    for application in both:
        await approved(scene, application, but_the_last=True)
    await asyncio.gather(*(decide(scene, OFFICE, application) for application in both))
    shown = await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)
    assert shown.version == 3
    assert [item.code for item in shown.items if item.code.startswith("AC")] == ["AC01", "AC02"]


async def test_a_returned_application_is_completed_and_goes_through_again(scene: "Scene") -> None:
    application = await applied(scene)
    await decide(scene, RURAL, application)
    await decide(scene, PARTY, application, "return", "scope_unclear")
    (event,) = await scene.told("access.returned.v1")
    assert event["stage"] == "joint_review"
    with pytest.raises(NotUnderReview):
        await decide(scene, CIVIL, application)
    better = WANTED.model_copy(update={"hours_estimate": 3})
    version = Version((await look(scene, application)).version)
    await resubmit_application(scene.pool, ROADS, application, better, expected=version)
    with pytest.raises(NotReturned):
        await resubmit_application(scene.pool, ROADS, application, better, expected=Version(version + 1))
    await approved(scene, application)
    whole = await look(scene, application)
    assert (whole.state, whole.round, whole.wanted.hours_estimate) == ("approved", 2, 3)
    assert [(opinion.round, opinion.verdict) for opinion in whole.opinions][:2] == [(1, "approve"), (1, "return")]
    assert [entry.wanted.hours_estimate for entry in whole.rounds] == [6, 3]


async def test_one_refusal_refuses_for_good_and_its_words_stay_inside(scene: "Scene") -> None:
    application = await applied(scene)
    await decide(scene, RURAL, application, "refuse", "no_legal_basis")
    (event,) = await scene.told("access.refused.v1")
    assert (event["code"], "已核" in str(event)) == ("no_legal_basis", False)
    assert (await look(scene, application)).state == "refused"
    assert (await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)).version == 1
    version = Version((await look(scene, application)).version)
    with pytest.raises(NotReturned):
        await resubmit_application(scene.pool, ROADS, application, WANTED, expected=version)


async def test_nobody_decides_twice_or_on_their_own_application(scene: "Scene") -> None:
    application = await applied(scene)
    await decide(scene, RURAL, application)
    with pytest.raises(DecidedBefore):
        await decide(scene, RURAL, application)
    own = await applied(scene, by=OFFICE)
    for by in (RURAL, PARTY, RURAL_2, CIVIL):
        await decide(scene, by, own)
    with pytest.raises(OwnApplication):
        await decide(scene, OFFICE, own)
    assert (await decide(scene, OFFICE_2, own)).outcome == "approved"


async def test_no_department_gives_an_opinion_on_its_own_application(scene: "Scene") -> None:
    of_civil, of_rural = await applied(scene, by=CIVIL), await applied(scene, by=RURAL)
    assert (await look(scene, of_rural)).waiting_for == ["ZFB"]  # the rural office cannot check its own
    for colleague in (RURAL, RURAL_2):
        with pytest.raises(NotYourStage):
            await decide(scene, colleague, of_rural)
    assert (await decide(scene, OFFICE_2, of_rural)).waiting_for == ["ZZB", "MZJ"]
    assert (await decide(scene, RURAL, of_civil)).waiting_for == ["ZZB", "NYJ"]
    with pytest.raises(NotYourStage):
        await decide(scene, approver("MZJ", "another"), of_civil)
    await decide(scene, PARTY, of_civil)
    assert (await decide(scene, RURAL_2, of_civil)).waiting_for == ["ZFB"]


async def test_one_person_of_two_departments_is_heard_once(scene: "Scene") -> None:
    application = await applied(scene)
    await decide(scene, RURAL, application)
    await decide(scene, PARTY, application)
    with pytest.raises(DecidedBefore):
        await decide(scene, replace(PARTY, department="MZJ"), application)
    assert (await decide(scene, CIVIL, application)).waiting_for == ["NYJ"]


async def test_a_department_is_heard_once_in_a_stage(scene: "Scene") -> None:
    application = await applied(scene)
    for by in (RURAL, PARTY):
        await decide(scene, by, application)
    with pytest.raises(NotYourStage):
        await decide(scene, approver("ZZB", "another"), application)
    assert len((await look(scene, application)).opinions) == 2


async def test_two_departments_that_speak_at_once_are_both_heard_one_after_the_other(scene: "Scene") -> None:
    application = await applied(scene)
    await decide(scene, RURAL, application)
    version = Version((await look(scene, application)).version)

    async def speak(by: Actor) -> object:
        return await decide_application(scene.pool, by, application, "approve", "lawful", "同意", expected=version)

    results = await asyncio.gather(speak(PARTY), speak(CIVIL), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Decision", "StaleVersion"]
    (late,) = [by for by, said in zip((PARTY, CIVIL), results, strict=True) if isinstance(said, StaleVersion)]
    assert (await decide(scene, late, application)).waiting_for == ["NYJ"]


async def test_an_approval_and_a_version_of_the_operators_at_once_are_two_versions(scene: "Scene") -> None:
    application = await applied(scene)
    await approved(scene, application, but_the_last=True)
    await asyncio.gather(
        decide(scene, OFFICE, application),
        publish_list_version(
            scene.pool,
            scene.operator,
            VILLAGE_LIST,
            effective_on=scene.today,
            items=sample_items(),
            negative=sample_negative(),
        ),
    )
    told = await scene.told("list.version-took-effect.v1")
    assert [event["version"] for event in told] == [1, 2, 3]
    (event,) = await scene.told("access.approved.v1")
    (with_it,) = [each for each in told if each["version"] == event["version"]]
    assert "AC01" in {item["code"] for item in with_it["items"]}


async def test_only_the_county_admits(scene: "Scene") -> None:
    for place in (OTHER_TOWN, PROVINCE):
        with pytest.raises(CountyAdmits):
            await apply_for_access(scene.pool, replace(ROADS, division=place), WANTED)
    application = await applied(scene)
    with pytest.raises(CountyAdmits):
        await decide(scene, replace(RURAL, division=PROVINCE), application)
    assert (await look(scene, application)).opinions == []


async def test_one_role_with_a_department_is_enough_to_decide_and_binds_to_that_department(scene: "Scene") -> None:
    application = await applied(scene)
    rural, sports = (person(Role.ACCESS_APPROVER, COUNTY, department) for department in ("NYJ", "WLJ"))
    assert (await decide(scene, rural, application)).outcome == "next_stage"
    with pytest.raises(NotFound):
        await decide(scene, sports, application)
    with pytest.raises(Forbidden):  # to apply takes the department's staff
        await apply_for_access(scene.pool, rural, WANTED)


async def test_only_the_stage_under_way_decides_and_on_what_it_has_read(scene: "Scene") -> None:
    application = await applied(scene)
    with pytest.raises(NotYourStage):
        await decide(scene, OFFICE, application)
    with pytest.raises(NotYourStage):  # bound to no department
        await decide(scene, person(Role.ACCESS_APPROVER, COUNTY), application)
    with pytest.raises(MayNotDecide):
        await decide(scene, person(Role.DEPARTMENT_STAFF, COUNTY, "NYJ"), application)
    with pytest.raises(StaleVersion):
        await decide_application(scene.pool, RURAL, application, "approve", "lawful", "同意", expected=Version(7))


async def test_what_the_negative_list_forbids_is_refused_at_once_and_counted(scene: "Scene") -> None:
    entry = (await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)).negative[0]
    forbidden = WANTED.model_copy(update={"title_zh": entry.title_zh, "title_en": entry.title_en})
    with pytest.raises(NegativeListClash) as refused:
        await apply_for_access(scene.pool, ROADS, forbidden)
    assert refused.value.details["entry"] == {
        "code": entry.code,
        "title_zh": entry.title_zh,
        "title_en": entry.title_en,
    }
    assert [event["code"] for event in await scene.told("access.refused.v1")] == ["negative_list"]
    (row,) = await list_applications(scene.pool, ROADS, state="refused", limit=5)
    assert row.refusal_code == "negative_list"


async def test_what_can_never_be_on_the_list_is_not_received(scene: "Scene") -> None:
    for changes, kind in (
        ({"category": "negative"}, CategoryNotApplicable),
        ({"valid_to": "2020-01-01"}, TermOver),
    ):
        wanted = WANTED.model_validate({**WANTED.model_dump(), **changes})
        with pytest.raises(kind):
            await apply_for_access(scene.pool, ROADS, wanted)
    with pytest.raises(Forbidden):
        await apply_for_access(scene.pool, scene.town, WANTED)
    assert await scene.told("access.received.v1") == []


async def test_the_applicant_and_the_reviewers_see_it_and_nobody_else_does(scene: "Scene") -> None:
    application = await applied(scene)
    for actor in (ROADS, RURAL, PARTY, CIVIL, OFFICE, WELFARE, scene.county):
        assert [row.application for row in await list_applications(scene.pool, actor, limit=5)] == [application]
    strangers = (
        *(SPORTS, scene.cadre, scene.town),
        person(Role.DEPARTMENT_STAFF, OTHER_TOWN, "JTJ"),
    )
    for actor in strangers:
        assert await list_applications(scene.pool, actor, limit=5) == []
        with pytest.raises(NotFound):
            await show_application(scene.pool, actor, application)
        with pytest.raises(NotFound):
            await decide_application(scene.pool, actor, application, "approve", "lawful", "同意", expected=Version(1))


async def test_a_reviewing_department_cannot_complete_anothers_application(scene: "Scene") -> None:
    application = await applied(scene)
    await decide(scene, RURAL, application, "return", "incomplete")
    version = Version((await look(scene, application)).version)
    with pytest.raises(NotYourDepartment):
        await resubmit_application(scene.pool, WELFARE, application, WANTED, expected=version)
