"""Versions of the programmes over HTTP: the examples that they hold to, caps, and rules that are refused whole."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from devkit.programmes import sample_examples, sample_programmes
from runtime.actor import Role
from subsidy.programme_rules import AmountBeyondCap
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, PARAMETERS, VILLAGE, programme

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

PATH = "/programme-versions"
FACTS = {"is_alive": True, "hukou_local": True, "age_years": 80}
EXAMPLE = {"programme": "B08", "name": "eighty", "facts": FACTS, "eligible": True, "amount_fen": 8_000}
OLD = {"birth_date": "1941-07-01"}  # 85 on the first day of the month


@pytest.fixture
async def http(bare: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application_of_subsidy(bare.pool, issuer) as client:
        yield client


@pytest.fixture
def preparer(http: httpx2.AsyncClient, issuer: Issuer, bare: "Scene") -> Client:
    """The county's finance."""
    return Client(http, issuer, bare.preparer)


def version(*examples: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A version of B08 alone, a hundred fen for each year of age."""
    sample = next(each for each in sample_programmes() if each["code"] == "B08")
    rule = {"eligibility": "is_alive && hukou_local && age_years >= 80", "amount_fen": "age_years * 100"}
    only = sample | {"excludes": []} | rule | members
    return {"effective_on": "2026-01-01", "programmes": [only], "examples": list(examples)}


async def test_a_version_that_names_whom_the_one_before_did_not_is_told_so(preparer: Client, bare: "Scene") -> None:
    first = (await preparer.post(PATH, version(nameless="health"))).json()
    assert [each["code"] for each in first["warnings"] if each["code"] == "named_now"] == []
    assert (await preparer.get(f"{PATH}/1")).json()["programmes"][0]["nameless"] == "health"
    second = (await preparer.post(PATH, version() | {"effective_on": "2026-03-01"})).json()
    [warning] = [each for each in second["warnings"] if each["code"] == "named_now"]
    assert (warning["pointer"], "health" in warning["message_zh"]) == ("/programmes/0/nameless", True)


async def kept(scene: "Scene") -> dict[str, int]:
    """How much stands of versions."""
    (row,) = await scene.rows(
        "SELECT (SELECT count(*) FROM programme_version) AS versions, (SELECT count(*) FROM programme) AS programmes,"
        " (SELECT count(*) FROM programme_example) AS examples,"
        " (SELECT count(*) FROM audit_entry WHERE action = 'programmes.published') AS entries"
    )
    return row


async def test_a_version_is_shown_with_what_it_must_hold_to(preparer: Client, bare: "Scene") -> None:
    published = await preparer.post(PATH, version(EXAMPLE, cap_fen=12_000))
    assert published.status_code == 201, published.text
    other = EXAMPLE | {"name": "seventy", "facts": FACTS | {"age_years": 70}, "eligible": False, "amount_fen": None}
    later = version(other, cap_fen=13_000) | {"effective_on": "2026-03-01"}
    counts = (await preparer.post(PATH, later)).json()
    assert (counts["version"], counts["examples"], counts["kept"], counts["warnings"]) == (2, 1, 1, [])
    first, second = [(await preparer.get(f"{PATH}/{number}")).json() for number in (1, 2)]
    assert (first["effective_on"], first["effective_until"]) == ("2026-01-01", "2026-02-28")
    assert (second["effective_until"], second["programmes"][0]["cap_fen"]) == (None, 13_000)
    assert [first["programmes"][0][name] for name in ("cap_fen", "cadence", "payee")] == [
        *(12_000, "monthly", "person_or_guardian")
    ]
    assert first["examples"] == [EXAMPLE | {"since": 1, "kind": "given"}]
    assert second["examples"] == [EXAMPLE | {"since": 1, "kind": "kept"}, other | {"since": 2, "kind": "given"}]
    assert (await preparer.get(f"{PATH}/3")).status_code == 404
    assert (await preparer.get(f"{PATH}/0")).status_code == 422


async def test_a_later_version_cannot_quietly_break_an_example(preparer: Client, bare: "Scene") -> None:
    assert (await preparer.post(PATH, version(EXAMPLE))).status_code == 201
    before = await kept(bare)
    refused = await preparer.post(PATH, version(amount_fen="age_years * 90"))
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:qingdan:problem:invalid")
    (error,) = refused.json()["errors"]
    assert (error["code"], error["example"], error["expected"], error["got"]) == (
        *("breaks_example", "eighty"),
        *("eligible=true, amount_fen=8000", "eligible=true, amount_fen=7200"),
    )
    assert await kept(bare) == before
    replaced = await preparer.post(PATH, version(EXAMPLE | {"amount_fen": 7_200}, amount_fen="age_years * 90"))
    assert (replaced.status_code, replaced.json()["kept"]) == (201, 0)
    assert (await preparer.get(f"{PATH}/2")).json()["examples"][0]["amount_fen"] == 7_200
    assert (await preparer.get(f"{PATH}/1")).json()["examples"][0]["amount_fen"] == 8_000


async def test_a_programme_that_was_gone_for_a_while_still_holds_to_its_example(preparer: Client) -> None:
    assert (await preparer.post(PATH, version(EXAMPLE))).status_code == 201
    assert (await preparer.post(PATH, version(code="B09"))).json()["kept"] == 0
    assert (await preparer.post(PATH, version(amount_fen="1"))).json()["errors"][0]["code"] == "breaks_example"
    assert (await preparer.post(PATH, version())).json()["kept"] == 1


async def test_the_337_hold_in_the_next_version_too(preparer: Client) -> None:
    body = {"effective_on": "2026-01-01", "programmes": sample_programmes()}
    assert (await preparer.post(PATH, body | {"examples": sample_examples()})).status_code == 201
    assert (await preparer.post(PATH, body)).json()["kept"] == len({str(each) for each in sample_examples()})


async def test_what_a_version_promised_is_only_added_to(preparer: Client, bare: "Scene") -> None:
    assert (await preparer.post(PATH, version(EXAMPLE))).status_code == 201
    for statement in ("UPDATE programme_example SET amount_fen = 1", "DELETE FROM programme_example"):
        with pytest.raises(Exception, match=r"permission denied|only ever added to"):
            await bare.rows(f"{statement} RETURNING 1")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"eligibility": " "}, "operand"),
    ({"eligibility": "true"}, "everybody"),
    ({"eligibility": "is_alive && 1 == 2"}, "nobody"),
    ({"eligibility": "is_alive && nosuch > 1"}, "unknown_fact"),
    ({"eligibility": "age_years / 0 > 1"}, "division_by_zero"),
    ({"eligibility": "age_years > 9223372036854775808"}, "number"),
    ({"amount_fen": "9223372036854775807 * 2"}, "number_too_large"),
    ({"amount_fen": "0 - 100"}, "nothing"),
    ({"amount_fen": "100.5"}, "number"),
    ({"amount_fen": "200", "cap_fen": 100}, "amount_beyond_cap"),
    ({"eligibility": "[1, 2, 3].all(x, x > 0)"}, "character"),
    ({"eligibility": "disability_types.exists(t, t == 'mental')"}, "character"),
    ({"eligibility": f"age_years in [{'1,' * 900}1]"}, "too_many_parts"),
    ({"eligibility": f"age_years in [{'1,' * 9_000}1]"}, "string_too_long"),
    ({"eligibility": "is_alive; DROP TABLE programme"}, "character"),
    ({"eligibility": "(SELECT count(*) FROM person) > 0"}, "unknown_fact"),
    ({"eligibility": "is_alive && true) OR (1=1"}, "character"),
    ({"eligibility": "is_alive -- and nothing else"}, "unknown_fact"),
    ({"cap_fen": 0}, "greater_than_equal"),
    ({"cap_fen": 1.5}, "int_type"),
    ({"cap_fen": 2**53}, "less_than_equal"),
    ({"cap_year_fen": 0}, "greater_than_equal"),
    ({"cap_year_fen": 100, "cap_fen": 101}, "cap_year"),
    ({"nameless": "nobody"}, "literal_error"),
    ({"nameless": True}, "literal_error"),
]


@pytest.mark.parametrize(("members", "code"), REFUSED)
async def test_an_unfit_rule_is_refused_with_a_sentence_and_nothing_changes(
    preparer: Client, bare: "Scene", members: dict[str, Any], code: str
) -> None:
    refused = await preparer.post(PATH, version(**members))
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:qingdan:problem:invalid"), refused.text
    errors = refused.json()["errors"]
    assert all(error["pointer"].startswith("/programmes/0") for error in errors)
    assert all(error["message"] and error["message_zh"] for error in errors)
    assert code in [error["code"] for error in errors]
    assert set((await kept(bare)).values()) == {0}


FAILING: list[tuple[dict[str, Any], str, str]] = [
    ({"amount_fen": "age_years / (age_years - 80)"}, "programme-fails", "division_by_zero"),
    ({"amount_fen": "age_years * 900000000000000000"}, "programme-fails", "number_too_large"),
    ({"amount_fen": "79 - age_years"}, "programme-fails", "amount_out_of_range"),
    ({"cap_fen": 7_999}, "amount-beyond-cap", "amount_beyond_cap"),
]


@pytest.mark.parametrize(("members", "problem", "reason"), FAILING)
async def test_an_example_that_fails_refuses_the_version(
    preparer: Client, bare: "Scene", members: dict[str, Any], problem: str, reason: str
) -> None:
    refused = await preparer.post(PATH, version(EXAMPLE, **members))
    said = refused.json()
    assert (refused.status_code, said["type"]) == (422, f"urn:qingdan:problem:{problem}"), refused.text
    assert (said["programme"], said["reason"]) == ("B08", reason)
    assert said["title_zh"]
    assert said["detail_zh"]
    assert set((await kept(bare)).values()) == {0}


async def test_who_comes_to_more_than_the_cap_stops_the_run_before_anything_changes(bare: "Scene") -> None:
    await bare.set_parameters(PARAMETERS)
    await bare.publish(programme("B08", excludes=[], amount_fen="age_years * 100", cap_fen=8_499))
    await bare.family(OLD, village=VILLAGE)
    await bare.declare_complete()
    with pytest.raises(AmountBeyondCap) as refused:
        await bare.preview()
    assert refused.value.details == {"programme": "B08", "reason": "amount_beyond_cap", "cap_fen": 8_499}
    assert await bare.rows("SELECT 1 FROM run") == []
    await bare.publish(programme("B08", excludes=[], amount_fen="age_years * 100", cap_fen=8_500))
    (entitled,) = await bare.entitlements(await bare.preview())
    assert entitled.amount_fen == 8_500


async def test_whoever_may_not_publish_publishes_no_examples(http: httpx2.AsyncClient, issuer: Issuer) -> None:
    for role in (Role.FINANCE_APPROVER, Role.AUDITOR, Role.VILLAGE_CADRE):
        refused = await Client(http, issuer, person(role, COUNTY)).post(PATH, version(EXAMPLE))
        assert refused.status_code == 403
