"""Why: the answer of one case, what the run did with it, who may ask, and that every look is entered."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from runtime.actor import Actor, Role
from runtime.db import transaction
from runtime.ids import new_id
from runtime.problems import Forbidden, Invalid, NotFound
from subsidy.explain_entitlement import explain_entitlement
from subsidy.why_question_rules import NoHousehold, PersonNeeded
from subsidy.why_view_rules import ConditionView, WhyView
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import (
    COUNTY,
    FAR_VILLAGE,
    OTHER_COUNTY,
    OTHER_VILLAGE,
    PERIOD,
    VILLAGE,
    programme,
    recorded,
)
from tests.integration.subsidy.frozen_run import Payday
from tests.integration.subsidy.test_own_payments import freeze, owe

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.subsidy.conftest import Scene

OLD: dict[str, Any] = {"birth_date": "1941-05-01"}
NEARLY: dict[str, Any] = {"birth_date": "1946-10-15"}
CADRE = person(Role.VILLAGE_CADRE, VILLAGE)


async def why(scene: "Scene", who: UUID | None, code: str = "B08", **asked: Any) -> WhyView:
    """The auditor's view, unless another is asked for, by finance."""
    given = {"person": who, "household": None, "programme": code, "period": PERIOD, "view": "auditor"} | asked
    actor = given.pop("actor", scene.preparer)
    return (await explain_entitlement(scene.pool, actor, **given)).why


def leaves(condition: ConditionView) -> dict[str, str]:
    """The verdict of each leaf, by its expression."""
    if condition.kind == "leaf":
        assert condition.expression is not None
        return {condition.expression: condition.verdict}
    return {name: verdict for part in condition.parts for name, verdict in leaves(part).items()}


async def test_each_condition_its_facts_and_their_sources_are_told(scene: "Scene") -> None:
    family = await scene.family(OLD)
    told = await why(scene, family.people[0])
    (case,) = told.cases
    assert (case.outcome, case.condition.kind, case.condition.verdict) == ("entitled", "all", "true")
    assert leaves(case.condition) == {
        "is_alive": "true",
        "hukou_local": "true",
        "age_years >= 80": "true",
        "age_years <= 89": "true",
    }
    age = next(fact for fact in case.facts if fact.name == "age_years")
    assert (age.value, age.origin, str(age.counted_from)) == (85, "derived", "1941-05-01")
    assert (age.system, str(age.source_time), age.department) == ("pop_registry", "2026-06-01 00:00:00+00:00", "GAJ")
    assert case.amount is not None
    assert case.amount.amount_fen == 5_000
    assert (told.programme_version, str(told.effective_on), str(told.reference_on)) == (1, "2026-01-01", "2026-07-01")
    assert told.eligibility == programme("B08").eligibility
    assert (told.run.status, told.run.run) == ("no_run", None)
    ends = case.would_end[0].changes[0]
    assert (ends.kind, ends.from_period) == ("time", "2031-05")


async def test_what_would_change_a_refusal_comes_with_its_month(scene: "Scene") -> None:
    family = await scene.family(NEARLY)
    (case,) = (await why(scene, family.people[0])).cases
    assert case.outcome == "not_entitled"
    assert case.would_entitle[0].said.zh == "“年龄(周岁)”由79周岁变为80周岁，再过4个月（自2026-11起）。"
    assert case.amount is None
    (later,) = (await why(scene, family.people[0], period="2026-11")).cases
    assert later.outcome == "entitled"


async def test_who_owes_what_is_told_until_it_is_known(scene: "Scene") -> None:
    family = await scene.family(OLD)
    (case,) = (await why(scene, family.people[0], "B16")).cases
    assert case.outcome == "undetermined"
    owed = {fact.name: (fact.department, fact.gap) for fact in case.owed}
    assert owed["disability_level"] == ("CLH", "no_row")
    assert owed["dibao_household"] == ("MZJ", "no_row")
    await scene.declare_complete()
    (case,) = (await why(scene, family.people[0], "B16")).cases
    known = {fact.name: (fact.value, fact.origin) for fact in case.facts}
    assert (case.outcome, known["disability_level"]) == ("not_entitled", (0, "no_row"))
    assert case.owed == []


# -- whose facts -------------------------------------------------------------------------------------------------------

POOR: dict[str, Any] = {
    "dibao_household": True,
    "household_property_ok": True,
    "household_income_per_capita_fen_month": 16_600,
}


async def test_a_households_programme_reads_its_living_head(scene: "Scene") -> None:
    family = await scene.family({}, {"relation_to_head": "head", "is_alive": False}, **POOR)
    told = await why(scene, family.people[1], "B01")
    (case,) = told.cases
    assert (told.household, case.member, case.outcome) == (family.household, family.people[0], "entitled")
    assert case.amount is not None
    assert (case.amount.amount_fen, case.amount.said.zh.endswith("(116600 − 16600) × 2 = 200000，即2,000.00元。")) == (
        200_000,
        True,
    )


async def test_any_member_may_make_a_household_eligible(scene: "Scene") -> None:
    ready: dict[str, Any] = {"house_danger_level": "D", "only_house": True, "house_rebuild_accepted": True}
    family = await scene.family({}, {"is_tekun": True, "tekun_mode": "dispersed"}, {}, **ready)
    await scene.declare_complete()
    told = await why(scene, None, "B66", household=family.household)
    assert [(case.member, case.outcome) for case in told.cases] == [
        (family.people[1], "entitled"),
        (family.people[0], "not_entitled"),
        (family.people[2], "not_entitled"),
    ]
    shown = await why(scene, None, "B66", household=family.household, view="person")
    assert [(case.member, case.outcome) for case in shown.cases] == [(None, "entitled")]


async def test_each_of_the_dead_is_a_case(scene: "Scene") -> None:
    buried: dict[str, Any] = {
        "is_alive": False,
        "death_date": "2026-03-05",
        "cremated": True,
        "ecological_burial": True,
    }
    family = await scene.family({}, buried, buried | {"cremated": False})
    await scene.declare_complete()
    run = await scene.preview()
    told = await why(scene, None, "B20", household=family.household)
    assert {case.member: case.outcome for case in told.cases} == {
        family.people[1]: "entitled",
        family.people[2]: "not_entitled",
    }
    assert (told.run.status, told.run.run, told.run.differs) == ("entitled", run, False)
    nobody = await why(scene, None, "B20", household=(await scene.family({})).household)
    assert (nobody.cases, nobody.said.zh) == ([], "不能享受：该户没有已登记的逝者。")


# -- what the run did --------------------------------------------------------------------------------------------------


async def test_a_run_that_was_computed_with_other_facts_stands(scene: "Scene") -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    run = await scene.preview()
    told = (await why(scene, family.people[0])).run
    assert (told.run, told.state, told.status, told.amount_fen, told.differs) == (
        run,
        "previewed",
        "entitled",
        5_000,
        False,
    )
    home = {"hukou_village_code": str(VILLAGE), "member_of_household": family.code, "relation_to_head": "head"}
    await scene.tell_of_person(family.people[0], OLD | home | {"is_alive": False, "hukou_local": True})
    changed = await why(scene, family.people[0])
    assert (changed.cases[0].outcome, changed.run.status, changed.run.differs) == ("not_entitled", "entitled", True)


async def test_which_programme_won_and_why_is_told(scene: "Scene") -> None:
    disabled: dict[str, Any] = {"disability_level": 1, "disability_cert_valid": True, "is_tekun": False}
    both = OLD | disabled | {"care_dependency": "full"}
    family = await scene.family(both, dibao_household=True)
    await scene.declare_complete()
    await scene.preview()
    told = await why(scene, family.people[0], "B17")
    assert (told.run.status, told.run.excluded_by) == ("excluded", "B11")
    assert told.run.said.zh == (
        f"与B11“{programme('B11').title_zh}”同户同月不能同时享受；序号小者优先（11先于17），故由后者发放。后者本次应发500.00元。"
    )
    assert told.run.differs is False


async def test_a_month_that_is_owed_already_names_its_run(scene: "Scene") -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    earlier = await scene.preview("2026-03")
    await owe(scene, "B08", family.people[0], PERIOD, 5_000)
    told = (await why(scene, family.people[0])).run
    assert (told.status, told.owed[0].run, told.owed[0].period) == ("owed_already", earlier, "2026-03")
    await scene.preview()
    assert (await why(scene, family.people[0])).run.status == "owed_already"


async def test_a_programme_that_is_not_due_says_when(scene: "Scene") -> None:
    family = await scene.family({"birth_date": "2025-05-01"})
    told = await why(scene, family.people[0], "B28", period="2026-08")
    assert (told.due, told.said.zh) == (False, "有资格享受：各项条件均符合。本月不发放，只在7月发放。")


async def test_a_frozen_runs_own_version_explains_it(scene: "Scene") -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    await scene.preview()
    await freeze(scene)
    await scene.publish(programme("B08", amount_fen="6000", excludes=[]), effective_on=scene.today.replace(2026, 7, 1))
    told = await why(scene, family.people[0])
    assert (told.programme_version, told.cases[0].amount and told.cases[0].amount.amount_fen) == (1, 5_000)
    assert told.run.next.zh.startswith("公示至")


async def test_how_far_a_payment_is_and_what_comes_next(scene: "Scene", tmp_path: "Path") -> None:
    payday = Payday(scene, tmp_path)
    await payday.open()
    family = await scene.family({}, **POOR)
    await scene.publish(programme("B01", excludes=[], beneficiary="person", person_facts_of=None))
    payee = family.people[0]
    run = await payday.previewed([payee])
    await scene.rows("UPDATE run SET programme_version = 3 RETURNING 1")
    await payday.approve(run)
    assert (await why(scene, payee, "B01")).run.owed[0].payment == "prepared"
    await payday.instruct()
    told = (await why(scene, payee, "B01")).run
    assert (told.status, told.owed[0].payment, told.owed[0].reason) == ("entitled", "rejected", "no_account")
    assert told.next.zh == "缺少收款账户：请登记社保卡账户，之后由财务支付。"


async def test_a_rule_that_divides_by_zero_says_so(scene: "Scene") -> None:
    await scene.publish(
        programme("B08", excludes=[], eligibility="is_alive", amount_fen="10000 / child_count"),
        effective_on=scene.today.replace(2026, 2, 1),
    )
    family = await scene.family({"child_count": 0})
    (case,) = (await why(scene, family.people[0])).cases
    assert case.outcome == "cannot_be_computed"
    assert case.amount is not None
    assert case.amount.said.zh.endswith("无法计算：除数为零。")


# -- who may ask -------------------------------------------------------------------------------------------------------


async def test_of_other_members_the_person_is_told_nothing_more(scene: "Scene") -> None:
    ready: dict[str, Any] = {"house_danger_level": "D", "only_house": True, "house_rebuild_accepted": True}
    member: dict[str, Any] = {"is_tekun": True, "tekun_mode": "dispersed", "birth_date": "1931-01-02"}
    family = await scene.family({}, member, **ready)
    await scene.declare_complete()
    told = await why(scene, family.people[0], "B66", view="person", actor=CADRE)
    (case,) = told.cases
    assert str(family.people[1]) not in told.model_dump_json()
    tekun = next(fact for fact in case.facts if fact.name == "is_tekun")
    assert (tekun.value, tekun.of, tekun.said.zh, tekun.system) == (None, "member", "户内一名成员的数据", None)
    assert told.eligibility is None
    whole = told.model_dump_json()
    assert "户内一名成员：“特困供养人员”须为是。符合。" in whole
    own = await why(scene, family.people[1], "B66", view="person", actor=CADRE)
    assert next(fact for fact in own.cases[0].facts if fact.name == "is_tekun").value is True


STRANGERS = [
    person(Role.VILLAGE_CADRE, OTHER_VILLAGE),
    person(Role.VILLAGE_CADRE, FAR_VILLAGE),
    person(Role.FINANCE_PREPARER, OTHER_COUNTY),
    person(Role.AUDITOR, OTHER_COUNTY),
]


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda actor: actor.subject)
async def test_whom_one_does_not_see_there_is_not(scene: "Scene", stranger: Actor) -> None:
    family = await scene.family(OLD)
    asked: dict[str, Any] = {"view": "person", "actor": stranger}
    with pytest.raises(NotFound):
        await why(scene, family.people[0], **asked)
    with pytest.raises(NotFound):
        await why(scene, None, "B01", household=family.household, **asked)
    assert await scene.rows("SELECT 1 FROM audit_entry WHERE action = 'facts.looked-at'") == []


@pytest.mark.parametrize("role", [Role.TOWN_STAFF, Role.SUPERVISOR, Role.INTEGRATOR, Role.OPERATOR, Role.SIGN_APPROVER])
async def test_who_has_no_business_with_it_is_forbidden_to(scene: "Scene", role: Role) -> None:
    family = await scene.family(OLD)
    with pytest.raises(Forbidden):
        await why(scene, family.people[0], view="person", actor=person(role, COUNTY))


async def test_only_finance_and_auditors_see_all_facts(scene: "Scene") -> None:
    family = await scene.family(OLD)
    for actor in (CADRE, person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ")):
        with pytest.raises(Forbidden):
            await why(scene, family.people[0], actor=actor)
        assert (await why(scene, family.people[0], actor=actor, view="person")).view == "person"
    assert (await why(scene, family.people[0], actor=person(Role.AUDITOR, COUNTY))).eligibility is not None


async def test_a_department_asks_about_its_own_programmes(scene: "Scene") -> None:
    family = await scene.family(OLD)
    health = person(Role.DEPARTMENT_STAFF, COUNTY, "WJJ")
    assert (await why(scene, family.people[0], "B29", actor=health, view="person")).department == "WJJ"
    with pytest.raises(Forbidden):
        await why(scene, family.people[0], "B08", actor=health, view="person")


async def test_every_look_is_entered_without_a_value(scene: "Scene") -> None:
    family = await scene.family(OLD)
    auditor = person(Role.AUDITOR, COUNTY)
    await why(scene, family.people[0], actor=auditor)
    await why(scene, None, "B01", household=family.household, view="person", actor=CADRE)
    entries = await scene.rows(
        "SELECT subject, after::jsonb ->> 'by' AS by, after::jsonb ->> 'programme' AS programme, after FROM audit_entry"
        " WHERE action = 'facts.looked-at' ORDER BY seq"
    )
    assert [(each["subject"], each["by"], each["programme"]) for each in entries] == [
        (str(family.people[0]), auditor.subject, "B08"),
        (str(family.household), CADRE.subject, "B01"),
    ]
    assert "1941" not in entries[0]["after"]


async def test_unfit_questions_are_refused(scene: "Scene") -> None:
    family = await scene.family(OLD)
    alone = new_id()
    await scene.hear_records(recorded(f"p:{alone}", "pop_registry", {"hukou_village_code": str(VILLAGE)}))
    for refusal, who, code, asked in (
        (Invalid, None, "B08", {}),
        (Invalid, family.people[0], "B08", {"household": family.household}),
        (Invalid, family.people[0], "B08", {"period": "2026-13"}),
        (NotFound, family.people[0], "B99", {}),
        (NotFound, new_id(), "B08", {}),
        (PersonNeeded, None, "B08", {"household": family.household}),
        (NoHousehold, alone, "B01", {}),
    ):
        with pytest.raises(refusal):
            await why(scene, who, code, **asked)


async def test_what_the_service_reads_is_the_countys_alone(scene: "Scene") -> None:
    """A member who is registered in another county is not before the eyes of this county's run, nor of its why."""
    ready: dict[str, Any] = {"house_danger_level": "D", "only_house": True, "house_rebuild_accepted": True}
    elsewhere: dict[str, Any] = {"is_tekun": True, "tekun_mode": "dispersed", "hukou_village_code": str(FAR_VILLAGE)}
    family = await scene.family({}, elsewhere, **ready)
    await scene.declare_complete()
    await scene.preview()
    told = await why(scene, None, "B66", household=family.household)
    assert [case.member for case in told.cases] == [family.people[0]]
    assert (told.cases[0].outcome, told.run.status, told.run.differs) == ("not_entitled", "not_in_run", False)
    async with transaction(scene.pool, scene.service) as tx:
        assert await tx.fetchval("SELECT count(*) FROM person") == 2
