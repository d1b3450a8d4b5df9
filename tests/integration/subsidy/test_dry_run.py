"""A dry run over HTTP: what proposed programmes would change for the people who are there, with nothing written."""

from collections.abc import AsyncIterator
from datetime import date
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from devkit.programmes import sample_examples, sample_programmes
from runtime.actor import Role
from runtime.db import transaction
from subsidy import dry_run_store
from subsidy.dry_run_programmes import dry_run_programmes
from subsidy.run_rules import WholeCountyNeeded
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import (
    COUNTY,
    FAR_VILLAGE,
    OTHER_COUNTY,
    PARAMETERS,
    PERIOD,
    TOWN,
    VILLAGE,
    programme,
)

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

PATH = "/programme-versions/dry-run"


@pytest.fixture
async def http(bare: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    await bare.set_parameters(PARAMETERS)
    async with application_of_subsidy(bare.pool, issuer) as client:
        yield client


@pytest.fixture
def preparer(http: httpx2.AsyncClient, issuer: Issuer, bare: "Scene") -> Client:
    """The county's finance."""
    return Client(http, issuer, bare.preparer)


def sample(code: str, **changed: Any) -> dict[str, Any]:
    return programme(code, excludes=[], **changed).model_dump(mode="json")


def proposed(*programmes: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"division": COUNTY, "period": PERIOD, "programmes": list(programmes), **said}


async def everything(scene: "Scene") -> dict[str, Any]:
    """How many rows every table has, and which transaction wrote the newest of them."""
    tables = await scene.rows(
        "SELECT relname::text AS name FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, 'SELECT') ORDER BY relname"
    )
    found = {}
    for table in tables:
        (row,) = await scene.rows(
            f"SELECT count(*) AS many, coalesce(max(xmin::text::bigint), 0) AS last FROM {table['name']}"
        )
        found[table["name"]] = row
    return found


def born(year: int) -> dict[str, str]:
    return {"birth_date": f"{year}-03-01"}


async def test_who_gains_and_who_loses_is_shown_and_nothing_is_written(preparer: Client, bare: "Scene") -> None:
    await bare.publish(
        programme("B08", excludes=[], eligibility="age_years >= 80", amount_fen="5000"),
        programme("B28", excludes=[], eligibility="age_years >= 70", amount_fen="100"),
    )
    family = await bare.family(born(1930), born(1940), born(1950), born(1990), {"birth_date": None})
    await bare.family(born(1935), village=FAR_VILLAGE)
    await bare.declare_complete()
    before = await everything(bare)
    answer = await preparer.post(
        PATH,
        proposed(
            sample("B08", eligibility="age_years >= 70 && age_years < 90", amount_fen="age_years * 100"),
            sample("B28", eligibility="age_years >= 70", amount_fen="100"),
        ),
    )
    assert answer.status_code == 200, answer.text
    assert await everything(bare) == before
    said = answer.json()
    assert (said["in_force"], said["in_force_failing"], said["kept"], said["reference_on"]) == (1, [], 0, "2026-07-01")
    assert [each["code"] for each in said["warnings"]] == ["no_entitled_example"] * 2
    b08, b28 = said["programmes"]
    assert b08 == {
        "programme": "B08",
        "before": {"entitled": 2, "total_fen": 10_000, "excluded": 0, "undetermined": 1},
        "after": {"entitled": 2, "total_fen": 16_200, "excluded": 0, "undetermined": 1},
        "gains": 1,
        "loses": 1,
        "more": 1,
        "less": 0,
        "difference_fen": 6_200,
    }
    assert (b28["gains"], b28["loses"], b28["difference_fen"]) == (0, 0, 0)
    assert (said["people"], said["changes_total"], said["total"]["difference_fen"]) == (3, 3, 6_200)
    (town,) = said["townships"]
    assert (town["division"], town["after_fen"] - town["before_fen"]) == (TOWN, 6_200)
    changes = {each["beneficiary"]: (each["effect"], each["before_fen"], each["after_fen"]) for each in said["changes"]}
    assert changes == {
        str(family.people[0]): ("loses", 5_000, None),
        str(family.people[1]): ("more", 5_000, 8_600),
        str(family.people[2]): ("gains", None, 7_600),
    }
    assert {each["division"] for each in said["changes"]} == {VILLAGE}


async def test_the_difference_is_what_two_previews_show(preparer: Client, bare: "Scene") -> None:
    for year in (1930, 1941, 1950, 1960, 2015, 2024):
        await bare.family(born(year), {**born(1988), "disability_level": 1, "disability_cert_valid": True})
    await bare.declare_complete()
    await bare.publish(effective_on=date(2026, 1, 1))
    first = {(e.programme, e.beneficiary): e.amount_fen for e in await _entitled(bare)}
    later = [each | {"amount_fen": f"({each['amount_fen']}) * 2 + 1"} for each in sample_programmes()]
    said = (await preparer.post(PATH, proposed(*later))).json()
    await bare.publish(*[programme(each["code"], amount_fen=each["amount_fen"]) for each in later])
    second = {(e.programme, e.beneficiary): e.amount_fen for e in await _entitled(bare)}
    came = {
        (each["programme"], each["beneficiary"]): (each["before_fen"], each["after_fen"]) for each in said["changes"]
    }
    assert len(first) > 5
    assert came == {
        (code, str(who)): (first.get((code, who)), second.get((code, who)))
        for code, who in first.keys() | second.keys()
        if first.get((code, who)) != second.get((code, who))
    }


async def _entitled(scene: "Scene") -> list[Any]:
    return await scene.entitlements(await scene.preview(), status="entitled")


async def test_a_programme_taken_out_or_not_yet_in_force_is_compared_with_nothing(
    preparer: Client, bare: "Scene"
) -> None:
    await bare.family(born(1930))
    await bare.declare_complete()
    rule = {"eligibility": "age_years >= 80", "amount_fen": "5000"}
    first = (await preparer.post(PATH, proposed(sample("B08", **rule)))).json()
    assert (first["in_force"], first["total"]["gains"]) == (None, 1)
    await bare.publish(programme("B08", excludes=[], **rule))
    other = (await preparer.post(PATH, proposed(sample("B28", **rule)))).json()
    assert [(each["programme"], each["gains"], each["loses"]) for each in other["programmes"]] == [
        *(("B08", 0, 1), ("B28", 1, 0))
    ]
    assert (other["people"], other["total"]["difference_fen"]) == (1, 0)
    alone = (await preparer.post(PATH, proposed(sample("B28", **rule), changes_of="B08"))).json()
    assert [each["programme"] for each in alone["changes"]] == ["B08"]


async def test_a_programme_in_force_that_fails_is_named_and_its_correction_looked_at(
    preparer: Client, bare: "Scene"
) -> None:
    await bare.publish(
        programme("B08", excludes=[], eligibility="age_years >= 80", amount_fen="100 / (age_years - 96)")
    )
    await bare.family(born(1930))
    await bare.declare_complete()
    corrected = sample("B08", eligibility="age_years >= 80", amount_fen="100")
    said = (await preparer.post(PATH, proposed(corrected))).json()
    assert said["in_force_failing"] == [{"programme": "B08", "reason": "division_by_zero"}]
    assert said["total"]["gains"] == 1


FAILING: list[tuple[dict[str, Any], str, str]] = [
    ({"amount_fen": "100 / (age_years - 96)"}, "programme-fails", "division_by_zero"),
    ({"amount_fen": "9000000000000000000 + age_years * 9000000000000000"}, "programme-fails", "number_too_large"),
    ({"amount_fen": "95 - age_years"}, "programme-fails", "amount_out_of_range"),
    ({"amount_fen": "age_years", "cap_fen": 95}, "amount-beyond-cap", "amount_beyond_cap"),
]


@pytest.mark.parametrize(("members", "problem", "reason"), FAILING)
async def test_a_proposed_rule_that_fails_for_somebody_is_refused_by_name(
    preparer: Client, bare: "Scene", members: dict[str, Any], problem: str, reason: str
) -> None:
    await bare.publish()
    await bare.family(born(1930))
    await bare.declare_complete()
    before = await everything(bare)
    refused = await preparer.post(PATH, proposed(sample("B08", eligibility="age_years >= 80", **members)))
    said = refused.json()
    assert (refused.status_code, said["type"]) == (422, f"urn:qingdan:problem:{problem}"), refused.text
    assert (said["programme"], said["reason"]) == ("B08", reason)
    assert await everything(bare) == before


async def test_what_is_owed_once_for_ever_stays_owed_however_it_is_counted(preparer: Client, bare: "Scene") -> None:
    """B65 is paid once for ever: to one of the two it was; a proposal that pays it once a year pays both."""
    rule = {"eligibility": "age_years >= 80", "amount_fen": "5000"}
    await bare.publish(programme("B65", excludes=[], **rule))
    family = await bare.family(born(1930), born(1931))
    await bare.declare_complete()
    run = await bare.preview("2026-06")
    await bare.rows(
        "INSERT INTO obligation (programme, beneficiary, occurrence, run_id, kind, payee, division_id, department,"
        " amount_fen) SELECT programme, beneficiary, occurrence, run_id, kind, payee, division_id, department,"
        " amount_fen FROM entitlement WHERE run_id = $1 AND beneficiary = $2 RETURNING id",
        *(run, family.people[0]),
    )
    same = (await preparer.post(PATH, proposed(sample("B65", **rule)))).json()
    assert (same["total"]["before"]["entitled"], same["total"]["after"]["entitled"]) == (1, 1)
    yearly = (await preparer.post(PATH, proposed(sample("B65", **rule, once_per="year")))).json()
    assert [(each["beneficiary"], each["effect"]) for each in yearly["changes"]] == [(str(family.people[0]), "gains")]


async def test_unfit_rules_and_broken_examples_are_refused_as_in_publishing(preparer: Client, bare: "Scene") -> None:
    facts = {"age_years": 80}
    example = {"programme": "B08", "name": "eighty", "facts": facts, "eligible": True, "amount_fen": 5_000}
    rule = {"eligibility": "age_years >= 80", "amount_fen": "5000"}
    version = {"effective_on": "2026-01-01", "programmes": [sample("B08", **rule)], "examples": [example]}
    assert (await preparer.post("/programme-versions", version)).status_code == 201
    for members, code in (({"eligibility": "nosuch"}, "unknown_fact"), ({"amount_fen": "4999"}, "breaks_example")):
        refused = await preparer.post(PATH, proposed(sample("B08", **rule | members)))
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
    wrong = proposed(sample("B08", **rule), examples=[example | {"name": "other", "amount_fen": 1}])
    assert (await preparer.post(PATH, wrong)).json()["errors"][0]["code"] == "differs"
    assert (await preparer.post(PATH, proposed(sample("B08", **rule)))).json()["kept"] == 1


async def test_the_seventy_with_their_examples_change_nothing_in_their_own_place(
    preparer: Client, bare: "Scene"
) -> None:
    await bare.publish()
    await bare.family(born(1930), born(2024))
    body = proposed(*sample_programmes(), examples=list(sample_examples()))
    said = (await preparer.post(PATH, body)).json()
    assert (said["changes"], said["people"], said["total"]["difference_fen"]) == ([], 0, 0)
    assert said["total"]["before"] == said["total"]["after"]
    assert said["warnings"] == []


async def test_only_who_publishes_looks_and_only_at_a_county_in_scope(
    http: httpx2.AsyncClient, issuer: Issuer, preparer: Client, bare: "Scene"
) -> None:
    body = proposed(sample("B08", amount_fen="1"))
    for role in (Role.FINANCE_APPROVER, Role.AUDITOR, Role.VILLAGE_CADRE):
        assert (await Client(http, issuer, person(role, COUNTY)).post(PATH, body)).status_code == 403
    with pytest.raises(WholeCountyNeeded):
        await dry_run_programmes(
            bare.pool,
            person(Role.FINANCE_PREPARER, COUNTY, department="MZJ"),
            division=COUNTY,
            period=PERIOD,
            programmes=[programme("B08", excludes=[])],
            examples=[],
            only=None,
        )
    assert (await preparer.post(PATH, body | {"division": OTHER_COUNTY})).status_code == 404
    assert (await preparer.post(PATH, body | {"division": TOWN})).json()["type"].endswith("not-a-county")
    assert (await Client(http, issuer, bare.operator).post(PATH, body)).status_code == 200


async def test_the_database_lets_a_dry_run_write_nothing(bare: "Scene") -> None:
    async with transaction(bare.pool, bare.operator) as tx:
        await dry_run_store.write_nothing(tx)
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with tx.connection.transaction():
                await tx.execute("INSERT INTO programme_version (version, effective_on) VALUES (1, '2026-01-01')")
