"""A register that is not declared complete leaves everybody open: kept in groups, told as exactly as rows tell it."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from qingdan.ids import RunId
from qingdan.money import FEN_MAX
from runtime.actor import Actor, Role
from runtime.db import Version, transaction
from subsidy.compare_run import compare_run
from subsidy.count_unclaimed import count_unclaimed
from subsidy.explain_entitlement import explain_entitlement
from subsidy.export_unclaimed import export_unclaimed
from subsidy.freeze_run import freeze_run
from subsidy.list_changes import list_changes
from subsidy.list_entitlements import EntitlementView, list_entitlements
from subsidy.list_unclaimed import list_unclaimed
from subsidy.list_undetermined import list_undetermined
from subsidy.preview_run import preview_run
from subsidy.show_breakdown import show_breakdown
from subsidy.show_run import show_run
from subsidy.unclaimed_rules import UndeterminedView
from tests.integration.service_scene import person
from tests.integration.subsidy.adjusted_month import paid_month
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import (
    COUNTY,
    OTHER_COUNTY,
    OTHER_VILLAGE,
    PARAMETERS,
    PERIOD,
    TOWN,
    VILLAGE,
    Scene,
    programme,
)
from tests.integration.subsidy.frozen_run import Payday

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.subsidy.conftest import Family

OLD: dict[str, Any] = {"birth_date": "1941-05-01"}
CADRE, FARMING = person(Role.VILLAGE_CADRE, OTHER_VILLAGE), person(Role.DEPARTMENT_STAFF, COUNTY, "NYJ")
PROGRAMMES = (
    programme("B08", excludes=[]),
    programme("B17", excludes=[], eligibility="is_alive && disability_cert_valid"),
    programme("B55"),
)
GROUPS = "SELECT count(*)::int AS groups, coalesce(sum(cases), 0)::int AS cases FROM undetermined_group"


@pytest.fixture
async def open_to_all(bare: Scene) -> Scene:
    """Three programmes, one of which asks nothing that is not known; nothing is declared, and nobody lives there."""
    await bare.set_parameters(PARAMETERS)
    await bare.publish(*PROGRAMMES)
    return bare


async def three_families(scene: Scene) -> list["Family"]:
    """An old person and two others in a village, and one in the next."""
    return [await scene.family(OLD, {}), await scene.family({}), await scene.family({}, village=OTHER_VILLAGE)]


async def groups(scene: Scene) -> tuple[int, int]:
    [row] = await scene.rows(GROUPS)
    return row["groups"], row["cases"]


async def by_missing(scene: Scene, actor: Actor | None = None, **asked: Any) -> list[UndeterminedView]:
    return await list_undetermined(scene.pool, actor or scene.preparer, **{"limit": 200, **asked})


async def version_of(scene: Scene, run: RunId) -> Version:
    return Version((await show_run(scene.pool, scene.preparer, run)).version)


async def freeze(scene: Scene, run: RunId) -> None:
    expected = await version_of(scene, run)
    await freeze_run(scene.pool, scene.preparer, run, scene.today, third_person_from_fen=FEN_MAX, expected=expected)


# -- what is kept ------------------------------------------------------------------------------------------------------


async def test_what_is_left_open_has_no_rows_and_counts_in_full(open_to_all: Scene) -> None:
    scene = open_to_all
    await three_families(scene)
    previewed = await preview_run(scene.pool, scene.preparer, COUNTY, PERIOD)
    assert previewed.undetermined == 4 + 3  # people of B17, households of B55
    shown = await show_run(scene.pool, scene.preparer, previewed.run)
    assert {each.programme: (each.entitled, each.undetermined) for each in shown.programmes} == {
        "B08": (1, 0),
        "B17": (0, 4),
        "B55": (0, 3),
    }
    assert [row["status"] for row in await scene.rows("SELECT status FROM entitlement")] == ["entitled"]
    assert await groups(scene) == (4, 7)  # of each programme in each village one


async def test_places_are_counted_as_they_were(open_to_all: Scene) -> None:
    scene = open_to_all
    await three_families(scene)
    run = await scene.preview()
    towns = await show_breakdown(scene.pool, scene.preparer, run, township=None, after=None, limit=50)
    assert {(each.division, each.programme): each.undetermined for each in towns} == {
        (TOWN, "B08"): 0,
        (TOWN, "B17"): 4,
        (TOWN, "B55"): 3,
    }
    villages = await show_breakdown(scene.pool, scene.preparer, run, township=TOWN, after=None, limit=50)
    assert {(each.division, each.programme): (each.entitled, each.undetermined) for each in villages} == {
        (VILLAGE, "B08"): (1, 0),
        (VILLAGE, "B17"): (0, 3),
        (VILLAGE, "B55"): (0, 2),
        (OTHER_VILLAGE, "B17"): (0, 1),
        (OTHER_VILLAGE, "B55"): (0, 1),
    }


async def test_each_dead_of_a_household_is_a_case_of_its_own(scene: Scene) -> None:
    buried: dict[str, Any] = {"is_alive": False, "death_date": "2026-05-20", "cremated": True}
    family = await scene.family({}, buried, buried)
    await scene.declare_complete()
    await scene.rows("DELETE FROM register_declared WHERE dataset = 'funeral' RETURNING 1")
    await scene.rows("UPDATE person SET ecological_burial = NULL WHERE NOT is_alive RETURNING 1")
    found = [each for each in await scene.entitlements(await scene.preview()) if each.programme == "B20"]
    assert [(each.beneficiary, each.status) for each in found] == [(family.household, "undetermined")] * 2
    assert {each.occurrence for each in found} == {str(each) for each in family.people[1:]}


# -- case by case ------------------------------------------------------------------------------------------------------


async def test_the_list_has_everybody_page_by_page(open_to_all: Scene) -> None:
    scene = open_to_all
    first, second, third = await three_families(scene)
    run = await scene.preview()
    people, homes = [*first.people, *second.people, *third.people], [each.household for each in (first, second, third)]
    expected = [
        ("B08", first.people[0], "entitled"),
        *(("B17", who, "undetermined") for who in sorted(people)),
        *(("B55", home, "undetermined") for home in sorted(homes)),
    ]
    whole = await scene.entitlements(run)
    assert [(each.programme, each.beneficiary, each.status) for each in whole] == expected
    pages, after = list[EntitlementView](), None
    while page := await list_entitlements(scene.pool, scene.preparer, run, after=after, limit=2):
        pages, after = [*pages, *page], page[-1].position
    assert pages == whole
    [child] = [each for each in whole if each.beneficiary == first.household]
    assert (child.kind, child.payee, child.missing) == ("household", first.people[0], ["toilet_retrofit_accepted"])
    assert (child.amount_fen, child.occurrence, child.department) == (None, PERIOD, "NYJ")


async def test_the_list_is_narrowed_as_it_was(open_to_all: Scene) -> None:
    scene = open_to_all
    _, _, third = await three_families(scene)
    run = await scene.preview()
    there = await scene.entitlements(run, division=OTHER_VILLAGE)
    assert [(each.programme, each.beneficiary) for each in there] == [
        ("B17", third.people[0]),
        ("B55", third.household),
    ]
    assert {each.status for each in await scene.entitlements(run, status="entitled")} == {"entitled"}
    assert len(await scene.entitlements(run, status="undetermined")) == 7
    assert [each.programme for each in await scene.entitlements(run, status="undetermined", programme="B08")] == []


async def test_why_names_who_owes_what_to_somebody_in_a_group(open_to_all: Scene) -> None:
    scene = open_to_all
    _, second, _ = await three_families(scene)
    await scene.preview()
    asked: dict[str, Any] = {"person": second.people[0], "household": None, "programme": "B17", "period": PERIOD}
    why = (await explain_entitlement(scene.pool, scene.preparer, **asked)).why
    assert (why.run.status, why.run.missing, why.run.differs) == ("undetermined", ["disability_cert_valid"], False)
    assert "残疾人联合会" in why.run.said.zh
    assert "Disabled Persons" in why.run.said.en


async def test_who_finds_people_finds_those_in_groups(open_to_all: Scene) -> None:
    scene = open_to_all
    *_, third = await three_families(scene)
    await scene.preview()
    waiting = await list_unclaimed(scene.pool, scene.preparer, reason="undetermined", limit=200)
    assert (len(waiting), {each.occurrence for each in waiting}) == (7, {PERIOD})
    mine = await list_unclaimed(scene.pool, CADRE, limit=200)
    assert [(each.programme, each.beneficiary, each.owed_by) for each in mine] == [
        ("B17", third.people[0], ["CLH"]),
        ("B55", third.household, ["NYJ"]),
    ]
    pages, after = list[tuple[str, UUID]](), None
    while page := await list_unclaimed(scene.pool, scene.preparer, after=after, limit=3):
        pages, after = [*pages, *((each.programme, each.beneficiary) for each in page)], page[-1].position
    assert len(pages) == len(set(pages)) == 8  # and one without an account
    assert pages == sorted(pages)
    counts = await count_unclaimed(scene.pool, scene.preparer)
    assert [(each.reason, each.department, each.entitlements, each.amount_fen) for each in counts.reasons] == [
        ("no_account", "MZJ", 1, 5_000),
        ("undetermined", "MZJ", 4, 0),
        ("undetermined", "NYJ", 3, 0),
    ]
    assert {each.department: each.entitlements for each in counts.owed_by} == {"CLH": 4, "NYJ": 3}
    exported = (await export_unclaimed(scene.pool, CADRE)).decode("utf-8-sig").splitlines()
    assert (len(exported), str(third.people[0]) in exported[1]) == (3, True)


async def test_what_is_missing_is_told_with_who_owes_it_and_to_how_many(open_to_all: Scene) -> None:
    scene = open_to_all
    await three_families(scene)
    await scene.preview()
    whole = await by_missing(scene)
    assert [(each.programme, each.missing, each.owed_by, each.cases) for each in whole] == [
        ("B17", ["disability_cert_valid"], ["CLH"], 4),
        ("B55", ["toilet_retrofit_accepted"], ["NYJ"], 3),
    ]
    assert "残疾人联合会" in whole[0].said.zh
    assert await by_missing(scene, after=whole[0].position, limit=1) == whole[1:]
    assert [each.cases for each in await by_missing(scene, division=OTHER_VILLAGE, programme="B17")] == [1]


async def test_what_is_missing_is_listed_over_http(open_to_all: Scene, issuer: Issuer) -> None:
    scene = open_to_all
    await three_families(scene)
    await scene.preview()
    async with application_of_subsidy(scene.pool, issuer) as http:
        client, pages = Client(http, issuer, scene.preparer), list[dict[str, Any]]()
        after: dict[str, str] = {}
        for _ in range(2):
            page = (await client.get("/unclaimed/undetermined", limit=1, **after)).json()
            pages, after = [*pages, *page["items"]], {"after": page["next"]}
        assert (await client.get("/unclaimed/undetermined", **after)).json() == {"items": [], "next": None}
        refused = await Client(http, issuer, person(Role.TOWN_STAFF, TOWN)).get("/unclaimed/undetermined")
        assert refused.status_code == 403
    assert [(each["programme"], each["cases"], each["owed_by"]) for each in pages] == [
        ("B17", 4, ["CLH"]),
        ("B55", 3, ["NYJ"]),
    ]
    assert all("digest" not in each for each in pages)


# -- who sees it -------------------------------------------------------------------------------------------------------


async def test_everybody_sees_the_groups_of_their_own_scope(open_to_all: Scene) -> None:
    scene = open_to_all
    await three_families(scene)
    run = await scene.preview()
    counted = (
        "SELECT (SELECT count(*) FROM undetermined_group), (SELECT count(*) FROM undetermined_roster),"
        " (SELECT count(*) FROM undetermined_case), (SELECT count(*) FROM undetermined_of($1,"
        " ARRAY(SELECT unnest(members) FROM undetermined_roster)))"
    )

    async def seen(actor: Actor) -> tuple[int, ...]:
        async with transaction(scene.pool, actor) as tx:
            row = await tx.fetchrow(counted, run)
            assert row is not None
            return tuple(row)

    assert await seen(scene.preparer) == (4, 4, 7, 7)
    assert await seen(CADRE) == (2, 2, 2, 2)
    assert await seen(FARMING) == (2, 4, 3, 3)
    assert await seen(scene.other_preparer) == (0, 0, 0, 0)
    assert [(each.programme, each.cases) for each in await by_missing(scene, FARMING)] == [("B55", 3)]
    assert [each.cases for each in await by_missing(scene, CADRE)] == [1, 1]


async def test_nobody_keeps_a_group_in_another_county(open_to_all: Scene) -> None:
    scene = open_to_all
    await three_families(scene)
    run = await scene.preview()
    await scene.rows("DELETE FROM undetermined_group RETURNING 1")
    await scene.rows("DELETE FROM undetermined_roster RETURNING 1")
    ids = {row["code"]: row["id"] for row in await scene.rows("SELECT code, id FROM division")}
    keep = "INSERT INTO undetermined_roster VALUES ($1, 'person', $2, 0, ARRAY[$1::uuid], ARRAY[$1::uuid])"
    async with transaction(scene.pool, scene.preparer) as tx:
        assert await tx.execute(keep, run, ids[COUNTY]) == "INSERT 0 1"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(scene.pool, scene.preparer) as tx:
            await tx.execute(keep, run, ids[OTHER_COUNTY])


# -- from the freeze on ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM undetermined_group",
        "INSERT INTO undetermined_group (run_id, programme, kind, division_id, part, missing, department, occurrence,"
        " seats) SELECT run_id, 'B99', kind, division_id, part, missing, department, occurrence, seats"
        " FROM undetermined_group",
        "INSERT INTO undetermined_roster SELECT run_id, kind, division_id, part + 1, members, payees"
        " FROM undetermined_roster",
    ],
)
async def test_nothing_of_it_changes_once_the_run_is_frozen(open_to_all: Scene, change: str) -> None:
    scene = open_to_all
    await three_families(scene)
    run = await scene.preview()
    with pytest.raises(_Undone):
        await changing(scene, change)  # a preview can be changed
    await freeze(scene, run)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="the run is frozen"):
        await changing(scene, change)
    assert await groups(scene) == (4, 7)


class _Undone(Exception):
    """What was tried is rolled back."""


async def changing(scene: Scene, change: str) -> None:
    async with transaction(scene.pool, scene.preparer) as tx:
        assert int((await tx.execute(change)).rpartition(" ")[2]) > 0
        raise _Undone


async def test_a_roster_leaves_with_its_run_alone_and_is_never_changed(open_to_all: Scene) -> None:
    scene = open_to_all
    await three_families(scene)
    await scene.preview()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await scene.rows("UPDATE undetermined_roster SET members = payees RETURNING 1")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await scene.rows("DELETE FROM undetermined_roster RETURNING 1")


async def test_a_preview_computed_anew_takes_the_place_of_the_one_before(open_to_all: Scene) -> None:
    scene = open_to_all
    await three_families(scene)
    run = await scene.preview()
    await scene.declare_complete("disability")
    await scene.family({})
    await scene.declare_complete("disability")
    assert await scene.preview() == run
    assert await groups(scene) == (2, 4)  # the households of B55


async def test_an_earlier_version_that_computes_the_run_anew_leaves_nothing_twice(open_to_all: Scene) -> None:
    """It takes away its rows and what the preview was computed from, and writes a row for each case."""
    scene = open_to_all
    await three_families(scene)
    run = await scene.preview()
    copied = "SELECT run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, missing"
    async with transaction(scene.pool, scene.preparer) as tx:
        await tx.execute(f"CREATE TEMPORARY TABLE copied ON COMMIT DROP AS {copied} FROM undetermined_case")
        await tx.execute("DELETE FROM entitlement WHERE run_id = $1", run)
        await tx.execute("DELETE FROM run_snapshot WHERE run_id = $1", run)
        await tx.execute(
            "INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department,"
            f" missing, status) {copied}, 'undetermined' FROM copied"
        )
    assert await groups(scene) == (0, 0)
    counted = (await show_run(scene.pool, scene.preparer, run)).programmes
    assert {each.programme: each.undetermined for each in counted} == {"B17": 4, "B55": 3}
    assert len(await scene.entitlements(run, status="undetermined")) == 7
    assert [each.cases for each in await by_missing(scene)] == [4, 3]
    assert len(await list_unclaimed(scene.pool, scene.preparer, limit=200)) == 7
    assert await scene.preview() == run  # and this version anew
    assert await groups(scene) == (4, 7)
    assert {row["status"] for row in await scene.rows("SELECT status FROM entitlement")} == {"entitled"}


# -- beside other months -----------------------------------------------------------------------------------------------


async def changes(scene: Scene, run: RunId, code: str) -> dict[UUID, tuple[str, str, list[str] | None]]:
    listed = await list_changes(scene.pool, scene.preparer, run, programme=code, kind=None, after=None, limit=200)
    return {each.beneficiary: (each.kind, each.reason, each.missing) for each in listed}


async def test_each_is_told_by_what_the_month_before_left_open(open_to_all: Scene) -> None:
    scene = open_to_all
    certified: dict[str, Any] = {"disability_cert_valid": True, "disability_level": 1}
    waiting = await scene.family({})
    await scene.preview("2026-07")
    assert await groups(scene) == (2, 2)
    await scene.tell_of_person(waiting.people[0], certified)
    came = await scene.family(certified)
    await scene.declare_complete("disability")
    august = await scene.preview("2026-08")
    assert await changes(scene, august, "B17") == {
        waiting.people[0]: ("new", "was_undetermined", None),
        came.people[0]: ("new", "first_time", None),
    }
    [compared] = [each for each in (await compare_run(scene.pool, scene.preparer, august)).programmes if each.new]
    assert (compared.programme, compared.compared_with, compared.before) == ("B17", "2026-07", 0)
    await scene.rows("UPDATE person SET disability_cert_valid = NULL WHERE id = $1 RETURNING 1", waiting.people[0])
    await scene.rows("UPDATE person SET disability_cert_valid = false WHERE id = $1 RETURNING 1", came.people[0])
    assert await changes(scene, await scene.preview("2026-09"), "B17") == {
        waiting.people[0]: ("stopped", "undetermined", ["disability_cert_valid"]),
        came.people[0]: ("stopped", "facts_changed", None),
    }


async def test_who_was_paid_keeps_it_where_a_register_is_complete_no_more(bare: Scene, tmp_path: "Path") -> None:
    """And of all the others, whom the same leaves open, nothing is said."""
    programmes = [programme("B17", eligibility="disability_cert_valid", excludes=[])]
    month, (paid, _) = await paid_month(
        Payday(bare, tmp_path), {"disability_cert_valid": True}, {}, programmes=programmes
    )
    await bare.family({})
    await bare.rows("DELETE FROM register_declared RETURNING 1")
    await bare.rows("UPDATE person SET disability_cert_valid = NULL RETURNING 1")
    proposed = await month.propose()
    assert await month.deltas(proposed.adjustment) == {(paid, "B17"): (0, "undetermined")}
    assert [each.due_fen for each in await month.items(proposed.adjustment)] == [None]
