"""A preview: who gets what as of the month's first day, for whom facts are missing, and who receives."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from qingdan.ids import RunId
from runtime.actor import Role
from runtime.problems import Forbidden
from subsidy.preview_rules import NotACounty
from subsidy.preview_run import preview_run
from subsidy.programme_rules import NoProgrammesInForce, ProgrammeFails
from subsidy.run_rules import WholeCountyNeeded
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import (
    COUNTY,
    DIBAO_LINE_FEN,
    FAR_VILLAGE,
    OTHER_COUNTY,
    OTHER_VILLAGE,
    PARAMETERS,
    PERIOD,
    TOWN,
    programme,
)

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

OLD = {"birth_date": "1941-07-01"}  # 85 on the first day of the month
POOR: dict[str, Any] = {
    "dibao_household": True,
    "household_property_ok": True,
    "household_income_per_capita_fen_month": 16_600,
}


async def comes_to(scene: "Scene", run: RunId) -> list[tuple[str, UUID, int | None, str]]:
    """Programme, beneficiary, amount and status of everything in the run."""
    return [(e.programme, e.beneficiary, e.amount_fen, e.status) for e in await scene.entitlements(run)]


async def previewed(scene: "Scene", *registers: str) -> list[tuple[str, UUID, int | None, str]]:
    """What the run comes to when these registers, or all, are complete."""
    await scene.declare_complete(*registers)
    return await comes_to(scene, await scene.preview())


async def test_the_old_get_their_allowance_and_others_get_nothing(scene: "Scene") -> None:
    family = await scene.family(OLD, {})
    assert await previewed(scene) == [("B08", family.people[0], 5_000, "entitled")]


@pytest.mark.parametrize(
    ("born", "programme_code"),
    [("1946-07-02", None), ("1946-07-01", "B08"), ("1936-07-02", "B08"), ("1936-07-01", "B09"), ("1926-07-01", "B10")],
)
async def test_ages_are_counted_on_the_first_day_of_the_month(
    scene: "Scene", born: str, programme_code: str | None
) -> None:
    await scene.family({"birth_date": born})
    assert [row[0] for row in await previewed(scene)] == ([programme_code] if programme_code else [])


async def test_a_household_gets_the_gap_to_the_line_for_each_member(scene: "Scene") -> None:
    family = await scene.family({}, {}, {}, **POOR)
    assert await previewed(scene) == [("B01", family.household, (DIBAO_LINE_FEN - 16_600) * 3, "entitled")]
    (entitlement,) = await scene.entitlements((await scene.rows("SELECT id FROM run"))[0]["id"])
    assert (entitlement.kind, entitlement.payee, entitlement.occurrence) == ("household", family.people[0], PERIOD)


async def test_unknown_is_not_false(scene: "Scene") -> None:
    family = await scene.family({}, **POOR | {"household_income_per_capita_fen_month": None})
    await scene.declare_complete()
    run = await scene.preview()
    found = {each.programme: each for each in await scene.entitlements(run)}
    assert found["B01"].beneficiary == family.household
    assert (found["B01"].status, found["B01"].amount_fen) == ("undetermined", None)
    assert found["B01"].missing == ["household_income_per_capita_fen_month"]
    assert found.keys() == {"B01"}


async def test_what_the_rest_decides_needs_no_more_facts(scene: "Scene") -> None:
    """One of two conditions joined by `or` is enough, and one false of those joined by `and`."""
    orphan: dict[str, Any] = {"birth_date": "2014-01-01", "is_orphan": True, "orphan_care": "dispersed"}
    await scene.family(orphan)
    found = await previewed(scene, "child_welfare")  # who is enrolled, and everything else, nobody knows
    assert ("B12", "entitled") in [(row[0], row[3]) for row in found]
    assert "B08" not in [row[0] for row in found]
    assert "B14" not in [row[0] for row in found]  # an orphan is not unattended, whatever was paid


async def test_only_a_complete_register_says_no_by_saying_nothing(scene: "Scene") -> None:
    await scene.publish(programme("B40", due_months=[], excludes=[]), effective_on=date(2026, 6, 1))
    family = await scene.family({})
    run = await scene.preview("2027-01")
    assert await comes_to(scene, run) == [("B40", family.people[0], None, "undetermined")]
    await scene.declare_complete("veterans")
    assert await comes_to(scene, await scene.preview("2027-01")) == []


async def test_a_row_that_does_not_know_is_unknown_in_a_complete_register_too(scene: "Scene") -> None:
    await scene.publish(programme("B40"), effective_on=date(2026, 6, 1))
    family = await scene.family({"merit_award_class": None})
    await scene.declare_complete()
    assert await comes_to(scene, await scene.preview("2027-01")) == [("B40", family.people[0], None, "undetermined")]


async def test_an_unknown_parameter_leaves_open_what_reads_it(bare: "Scene") -> None:
    await bare.publish()
    await bare.family({}, **POOR)
    (found,) = [row for row in await previewed(bare) if row[0] == "B01"]
    assert found[3] == "undetermined"


async def test_a_parameter_counts_from_its_day_on(scene: "Scene") -> None:
    await scene.family({}, **POOR)
    await scene.set_parameters({"local_dibao_line_fen_month": 126_600}, effective_on="2026-08-01")
    await scene.declare_complete()
    amounts = [(await comes_to(scene, await scene.preview(period)))[0][2] for period in ("2026-07", "2026-08")]
    assert amounts == [100_000, 110_000]


async def test_the_head_speaks_for_the_household_where_the_rule_says_so(scene: "Scene") -> None:
    await scene.family({"hukou_local": False}, {"hukou_local": True}, **POOR)
    assert [row[0] for row in await previewed(scene)] == []


async def test_a_household_without_a_known_head_is_undetermined(scene: "Scene") -> None:
    await scene.family({"relation_to_head": "other"}, **POOR)
    await scene.declare_complete()
    await scene.rows("UPDATE household SET division_id = (SELECT division_id FROM person LIMIT 1) RETURNING id")
    (found,) = await scene.entitlements(await scene.preview())
    assert (found.programme, found.status, found.missing) == ("B01", "undetermined", ["hukou_local"])


async def test_any_member_is_enough_where_the_rule_says_any(scene: "Scene") -> None:
    house: dict[str, Any] = {"house_danger_level": "D", "only_house": True, "house_rebuild_accepted": True}
    family = await scene.family({}, {"is_tekun": True, "tekun_mode": "dispersed"}, **house)
    found = await previewed(scene)
    assert ("B66", family.household, 3_000_000, "entitled") in found
    other = await scene.family({}, {}, **house)
    assert ("B66", other.household) not in [row[:2] for row in await previewed(scene)]


async def test_a_member_of_whom_nothing_is_known_takes_nothing_from_another(scene: "Scene") -> None:
    house: dict[str, Any] = {"house_danger_level": "D", "only_house": True, "house_rebuild_accepted": True}
    unknown: dict[str, Any] = {"is_tekun": None}
    family = await scene.family(unknown, {"is_tekun": True, "tekun_mode": "dispersed"}, unknown, **house)
    open_to = await scene.family(unknown, {}, **house)
    found = {row[1]: row[3] for row in await previewed(scene) if row[0] == "B66"}
    assert found == {family.household: "entitled", open_to.household: "undetermined"}


async def test_each_deceased_member_is_a_case_and_somebody_living_receives(scene: "Scene") -> None:
    buried: dict[str, Any] = {
        "is_alive": False,
        "death_date": "2026-05-20",
        "cremated": True,
        "ecological_burial": True,
    }
    spouse = {"relation_to_head": "spouse"}
    family = await scene.family(buried, {"birth_date": "1940-01-01", "relation_to_head": "parent"}, spouse, buried)
    await scene.declare_complete()
    found = [each for each in await scene.entitlements(await scene.preview()) if each.programme == "B20"]
    assert {each.occurrence for each in found} == {str(family.people[0]), str(family.people[3])}
    assert {(each.beneficiary, each.payee) for each in found} == {(family.household, family.people[2])}


async def test_a_childs_household_receives_for_the_child(scene: "Scene") -> None:
    child: dict[str, Any] = {"birth_date": "2024-01-05"}
    family = await scene.family({}, child)
    await scene.declare_complete()
    (found,) = await scene.entitlements(await scene.preview())
    assert (found.programme, found.beneficiary, found.payee) == ("B28", family.people[1], family.people[0])


async def test_a_child_without_a_household_receives_itself(scene: "Scene") -> None:
    alone: dict[str, Any] = {
        "birth_date": "2014-01-05",
        "member_of_household": None,
        "is_orphan": True,
        "orphan_care": "institution",
    }
    family = await scene.family(alone)
    await scene.declare_complete()
    (found,) = [each for each in await scene.entitlements(await scene.preview()) if each.programme == "B13"]
    assert found.payee == family.people[0]


async def test_nobody_of_another_county_is_in_the_run(scene: "Scene") -> None:
    await scene.family(OLD, village=FAR_VILLAGE)
    assert await previewed(scene) == []
    run = (await preview_run(scene.pool, scene.other_preparer, OTHER_COUNTY, PERIOD)).run
    assert (await scene.rows("SELECT count(*) AS rows FROM entitlement WHERE run_id = $1", run))[0]["rows"] > 0


async def test_a_second_click_gives_the_same_run_computed_anew(scene: "Scene") -> None:
    await scene.family(OLD)
    await scene.declare_complete()
    first = await scene.preview()
    await scene.family(OLD, village=OTHER_VILLAGE)
    assert await scene.preview() == first
    assert len(await comes_to(scene, first)) == 2
    (run,) = await scene.rows("SELECT state, version FROM run")
    assert run == {"state": "previewed", "version": 2}
    told = await scene.told("run.previewed.v1")
    assert [each["programmes"] for each in told] == [
        [{"programme": "B08", "payments": n, "total_fen": 5_000 * n}] for n in (1, 2)
    ]
    audited = await scene.rows("SELECT actor FROM audit_entry WHERE action = 'run.previewed.v1'")
    assert [each["actor"] for each in audited] == [scene.preparer.subject] * 2


async def test_the_same_facts_give_the_same_run(scene: "Scene") -> None:
    for _ in range(3):
        await scene.family(OLD, {"is_tekun": True, "tekun_mode": "dispersed"}, {"birth_date": "2024-05-01"}, **POOR)
    await scene.declare_complete()
    first = [each.model_dump() for each in await scene.entitlements(await scene.preview())]
    assert [each.model_dump() for each in await scene.entitlements(await scene.preview())] == first
    assert len(first) > 9


async def test_exclusions_keep_the_first_by_priority(scene: "Scene") -> None:
    tekun: dict[str, Any] = {"is_tekun": True, "tekun_mode": "dispersed", "care_dependency": "full"}
    disabled: dict[str, Any] = {"disability_level": 1, "disability_cert_valid": True}
    family = await scene.family({}, tekun, disabled, **POOR)
    await scene.declare_complete()
    found = await scene.entitlements(await scene.preview())
    said = {(e.programme, e.beneficiary): (e.status, e.excluded_by) for e in found}
    assert said["B01", family.household] == ("entitled", None)
    assert said["B02", family.people[1]] == ("excluded", "B01")
    assert said["B04", family.people[1]] == ("entitled", None)
    assert said["B17", family.people[2]] == ("entitled", None)
    excluded = [each for each in found if each.status == "excluded"]
    assert all(each.amount_fen is not None for each in excluded)


FAILING: Sequence[tuple[dict[str, Any], str]] = [
    ({"amount_fen": "100 / (age_years - 85)"}, "division_by_zero"),
    ({"amount_fen": "9000000000000000000 + age_years * 9000000000000000"}, "number_too_large"),
    ({"amount_fen": "84 - age_years"}, "amount_out_of_range"),
    ({"amount_fen": "9007199254740991 + age_years"}, "amount_out_of_range"),
    ({"eligibility": "1 / (age_years - 85) > 0"}, "division_by_zero"),
]


@pytest.mark.parametrize(("members", "reason"), FAILING)
async def test_a_rule_that_cannot_be_computed_names_its_programme(
    bare: "Scene", members: dict[str, Any], reason: str
) -> None:
    await bare.set_parameters(PARAMETERS)
    await bare.publish(programme("B28"), programme("B08", excludes=[], **members), programme("B43"))
    await bare.family(OLD)
    with pytest.raises(ProgrammeFails) as refused:
        await bare.preview()
    assert refused.value.details == {"programme": "B08", "reason": reason}
    assert await bare.rows("SELECT 1 FROM run") == []


async def test_an_amount_of_nothing_is_nothing(bare: "Scene") -> None:
    await bare.publish(programme("B08", excludes=[], amount_fen="age_years - 85"))
    await bare.family(OLD)
    assert await comes_to(bare, await bare.preview()) == []


async def test_before_the_first_version_nothing_can_be_previewed(bare: "Scene") -> None:
    with pytest.raises(NoProgrammesInForce):
        await bare.preview()


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.FINANCE_PREPARER])
async def test_nobody_else_previews(scene: "Scene", role: Role) -> None:
    department = "MZJ" if role is Role.DEPARTMENT_STAFF else None
    with pytest.raises(Forbidden):
        await preview_run(scene.pool, person(role, COUNTY, department=department), COUNTY, PERIOD)


async def test_a_run_is_a_countys_and_of_all_its_departments(scene: "Scene") -> None:
    with pytest.raises(NotACounty):
        await preview_run(scene.pool, scene.preparer, TOWN, PERIOD)
    with pytest.raises(WholeCountyNeeded):
        await preview_run(scene.pool, person(Role.FINANCE_PREPARER, COUNTY, department="MZJ"), COUNTY, PERIOD)
