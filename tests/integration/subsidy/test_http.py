"""Programmes, registers, runs and entitlements over HTTP: tokens, repeated clicks, pages, and unfit input."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from devkit.programmes import sample_examples, sample_programmes
from runtime.actor import Role
from runtime.paging import cursor_behind
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, PERIOD

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

OLD = {"birth_date": "1941-05-01"}
PREVIEW = {"division": COUNTY, "period": PERIOD}


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application_of_subsidy(scene.pool, issuer) as client:
        yield client


@pytest.fixture
def preparer(http: httpx2.AsyncClient, issuer: Issuer, scene: "Scene") -> Client:
    """The county's finance."""
    return Client(http, issuer, scene.preparer)


async def test_the_sample_version_fits_into_one_request(preparer: Client) -> None:
    body = {"effective_on": "2026-02-01", "programmes": sample_programmes(), "examples": sample_examples()}
    published = await preparer.post("/programme-versions", body)
    assert (published.status_code, published.headers["ETag"]) == (201, '"1"'), published.text
    counts = {"programmes": 70, "examples": 337, "kept": 0, "warnings": []}
    assert published.json() == {"version": 2, "effective_on": "2026-02-01"} | counts
    shown = (await preparer.get("/programmes", as_of="2026-02-01")).json()
    assert (shown["version"], len(shown["programmes"])) == (2, 70)


async def test_an_unfit_rule_is_refused_with_its_place_in_both_languages(preparer: Client) -> None:
    programme = sample_programmes()[7] | {"excludes": [], "eligibility": "is_alive && agee >= 80"}
    refused = await preparer.post("/programme-versions", {"effective_on": "2026-02-01", "programmes": [programme]})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:qingdan:problem:invalid")
    (error,) = refused.json()["errors"]
    assert (error["pointer"], error["column"]) == ("/programmes/0/eligibility", 13)
    assert "agee" in error["message_zh"]


async def test_from_preview_to_entitlements(scene: "Scene", preparer: Client) -> None:
    family = await scene.family(OLD)
    await scene.declare_complete()
    made = await preparer.post("/runs", PREVIEW)
    assert (made.status_code, made.json()["type"], made.headers["ETag"]) == (201, "run.previewed.v1", '"1"'), made.text
    run = made.json()["run"]
    again = await preparer.post("/runs", PREVIEW)
    assert (again.json()["run"], again.headers["ETag"], again.json()["version"]) == (run, '"2"', 2)
    shown = await preparer.get(f"/runs/{run}")
    assert (shown.headers["ETag"], shown.json()["state"], shown.json()["reference_on"]) == (
        '"2"',
        "previewed",
        "2026-07-01",
    )
    assert shown.json()["programmes"] == [
        {"programme": "B08", "entitled": 1, "excluded": 0, "undetermined": 0, "total_fen": 5000}
    ]
    (entitlement,) = (await preparer.get(f"/runs/{run}/entitlements", status="entitled")).json()["items"]
    assert entitlement["beneficiary"] == str(family.people[0])
    assert (await preparer.get(f"/runs/{run}/entitlements", programme="B09")).json()["items"] == []
    assert [each["run"] for each in (await preparer.get("/runs", state="previewed")).json()["items"]] == [run]
    assert (await preparer.get("/runs", state="closed")).json()["items"] == []


async def test_a_repeated_click_gets_the_same_answer_and_computes_once(scene: "Scene", preparer: Client) -> None:
    await preparer.post("/runs", PREVIEW)
    first, again = [await preparer.post("/runs", PREVIEW, key="one-click") for _ in range(2)]
    assert (first.status_code, first.text, first.headers["ETag"]) == (201, again.text, again.headers["ETag"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await scene.told("run.previewed.v1")) == 2


async def test_pages_hold_every_entitlement_once(scene: "Scene", preparer: Client) -> None:
    for _ in range(5):
        await scene.family(OLD, {"birth_date": "2024-05-01"})
    await scene.declare_complete()
    path = f"/runs/{(await preparer.post('/runs', PREVIEW)).json()['run']}/entitlements"
    page = (await preparer.get(path, limit=3)).json()
    items = page["items"]
    while page["next"] is not None:
        page = (await preparer.get(path, limit=3, after=page["next"])).json()
        items += page["items"]
    places = [(item["programme"], item["beneficiary"], item["occurrence"]) for item in items]
    assert (len(places), places) == (10, sorted(set(places)))


async def test_what_is_owed_is_told_over_http(preparer: Client) -> None:
    view = (await preparer.get("/registers")).json()
    assert view["division"] == COUNTY
    owed = {each["dataset"]: each["department"] for each in view["registers"] if not each["complete"]}
    assert owed["disability"] == "CLH"
    assert (await preparer.get("/registers", division="330522000000")).status_code == 404


FORGED_CURSORS = ["x", cursor_behind(["B01"]), cursor_behind(["B01", "no", "2026-07"]), cursor_behind({"a": 1})]


async def test_a_forged_cursor_is_refused(preparer: Client) -> None:
    run = (await preparer.post("/runs", PREVIEW)).json()["run"]
    answers = [await preparer.get(f"/runs/{run}/entitlements", after=cursor) for cursor in FORGED_CURSORS]
    assert {answer.status_code for answer in answers} == {422}


MISSHAPEN: list[tuple[str, object]] = [
    ("/runs", {"division": COUNTY}),
    ("/runs", {"division": COUNTY, "period": "2026-13"}),
    ("/runs", {"division": COUNTY, "period": "July"}),
    ("/runs", {"division": "33", "period": PERIOD}),
    ("/runs", PREVIEW | {"force": True}),
    ("/programme-versions", {"effective_on": "2026-02-01", "programmes": []}),
    ("/programme-versions", {"effective_on": "2026-02-01", "programmes": [{"code": "B01"}]}),
    ("/programme-versions", {"effective_on": "soon", "programmes": [sample_programmes()[0]]}),
]


async def test_input_of_another_shape_is_refused(preparer: Client) -> None:
    for path, body in MISSHAPEN:
        refused = await preparer.post(path, body)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:qingdan:problem:invalid"), body


async def test_who_does_not_prepare_is_forbidden_to(http: httpx2.AsyncClient, issuer: Issuer) -> None:
    for role in (Role.FINANCE_APPROVER, Role.AUDITOR, Role.VILLAGE_CADRE):
        refused = await Client(http, issuer, person(role, COUNTY)).post("/runs", PREVIEW)
        assert refused.status_code == 403
    assert (await http.get("/v1/runs")).status_code == 401
