"""The signage service over HTTP: tokens, repeated clicks, pages, and input that nobody should send."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from devkit.story.dafang import dafang
from runtime.actor import Actor, Role
from runtime.paging import cursor_behind
from signage.app import service
from tests.integration.service_scene import person
from tests.integration.signage.conftest import COUNTY, XIEDU, counted, sample_census

if TYPE_CHECKING:
    from tests.integration.signage.conftest import Scene

ASKED = {"village": XIEDU, "wording": "便民服务站", "position": "outside_horizontal"}


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database, without a socket."""
    async with application(service, scene.pool, issuer) as client:
        yield client


@pytest.fixture
def staff(http: httpx2.AsyncClient, issuer: Issuer, scene: "Scene") -> Client:
    """The county's staff."""
    return Client(http, issuer, scene.staff)


@pytest.fixture
def approver(http: httpx2.AsyncClient, issuer: Issuer, scene: "Scene") -> Client:
    """Who orders removals."""
    return Client(http, issuer, scene.approver)


@pytest.fixture
def operator(http: httpx2.AsyncClient, issuer: Issuer, scene: "Scene") -> Client:
    """Who runs the platform."""
    return Client(http, issuer, scene.operator)


@pytest.fixture
def services(http: httpx2.AsyncClient, issuer: Issuer) -> Client:
    """The department whose sign the convenience service station is."""
    return Client(http, issuer, person(Role.DEPARTMENT_STAFF, COUNTY, "ZWJ"))


def census() -> dict[str, Any]:
    return {"signs": [sign.model_dump(mode="json") for sign in sample_census()]}


async def test_from_the_rules_over_the_census_to_the_orders(operator: Client, staff: Client, approver: Client) -> None:
    version = {"effective_on": "2021-01-01", "rules": [rule.model_dump(mode="json") for rule in dafang().rules]}
    published = await operator.post("/rule-versions", version)
    assert (published.status_code, published.json()["version"], published.headers["ETag"]) == (201, 2, '"1"')
    assert (await staff.get("/rules")).json() == published.json()
    counted = await staff.post("/census", census())
    assert (counted.status_code, counted.json()) == (200, {"added": 342, "already_there": 0})
    ordered = await approver.post("/removals", {"division": COUNTY})
    assert (ordered.status_code, ordered.json()) == (200, {"ordered": 222, "left": 0})
    at_xiedu = (await staff.get("/statistics", village=XIEDU)).json()
    assert (at_xiedu["signs_before"], at_xiedu["orders"]) == (13, 10)
    assert len((await staff.get("/signs", village=XIEDU)).json()["items"]) == 13
    assert len((await staff.get("/orders", village=XIEDU, state="ordered")).json()["items"]) == 10


async def test_a_repeated_click_gets_the_same_answer_and_happens_once(
    scene: "Scene", staff: Client, approver: Client
) -> None:
    for client, path, body in (
        (staff, "/census", census()),
        (approver, "/removals", {"division": COUNTY, "limit": 10}),
    ):
        first, again = [await client.post(path, body, key=f"one{path.replace('/', '-')}") for _ in range(2)]
        assert (first.status_code, first.text) == (again.status_code, again.text) == (200, first.text)
        assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await scene.told("removal.ordered.v1")) == 10


async def test_a_department_is_answered_also_at_its_second_click(scene: "Scene", services: Client) -> None:
    permitted, same = [await services.post("/signs/requests", ASKED, key="first") for _ in range(2)]
    assert (permitted.status_code, permitted.json()["type"]) == (201, "sign.permitted.v1")
    assert same.json() == permitted.json()
    first, again = [await services.post("/signs/requests", ASKED, key="second") for _ in range(2)]
    problem = first.json()
    assert (first.status_code, problem["type"]) == (422, "urn:qingdan:problem:sign-not-allowed")
    assert (problem["reason"], problem["code"], problem["rule_version"]) == ("slot_taken", "SG03", 1)
    assert "现行规则不允许" in problem["title_zh"]
    assert (again.status_code, again.json()["sign"]) == (422, problem["sign"])
    assert len(await scene.told("sign.refused.v1")) == 1
    (refused,) = (await services.get("/signs/requests/refused")).json()["items"]
    assert (refused["sign"], refused["position"]) == (problem["sign"], "outside_horizontal")


async def test_an_unfit_rule_is_named(operator: Client) -> None:
    rules = [rule.model_dump(mode="json") for rule in dafang().rules]
    rules[2]["position"] = None
    refused = await operator.post("/rule-versions", {"effective_on": "2021-01-01", "rules": rules})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"], error["code"]) == (422, "/rules/2/position", "misplaced")


LISTS = {"/signs": "sign", "/orders": "order", "/signs/requests/refused": "sign"}


async def test_pages_hold_everything_once(scene: "Scene", staff: Client, services: Client) -> None:
    await scene.count(*(counted(f"消防指挥部{n}") for n in range(3)))
    await scene.order()
    for _ in range(3):
        await services.post("/signs/requests", ASKED | {"wording": "指挥部"})
    for path, name in LISTS.items():
        ids = [item[name] for item in await everything(staff, path)]
        assert (len(ids), len(set(ids))) == (3, 3), path


FORGED_AFTER: list[object] = ["a", 1, [], {}, None]


async def test_a_forged_cursor_is_refused(staff: Client) -> None:
    cursors = ["x", *(cursor_behind(after) for after in FORGED_AFTER)]
    answers = [await staff.get(path, after=cursor) for path in LISTS for cursor in cursors]
    assert {answer.status_code for answer in answers} == {422}


async def test_input_of_another_shape_is_refused(operator: Client, staff: Client, approver: Client) -> None:
    sign = census()["signs"][0]
    rule = dafang().rules[0].model_dump(mode="json")
    misshapen: list[tuple[Client, str, object]] = [
        (operator, "/rule-versions", {"effective_on": "2021-01-01", "rules": []}),
        (operator, "/rule-versions", {"effective_on": "2021-01-01", "rules": [rule | {"position": "roof"}]}),
        (operator, "/rule-versions", {"effective_on": "2021-01-01", "rules": [rule | {"code": "sg01"}]}),
        (staff, "/census", {"signs": []}),
        (staff, "/census", {"signs": [sign] * 1001}),
        (staff, "/census", {"signs": [sign | {"wording": ""}]}),
        (staff, "/census", {"signs": [sign | {"wording": "两\n行"}]}),
        (staff, "/census", {"signs": [sign | {"hung_since": 1900}]}),
        (staff, "/census", {"signs": [sign | {"true_code": "SG01"}]}),
        (approver, "/removals", {"division": COUNTY, "limit": 0}),
        (approver, "/removals", {"division": COUNTY, "limit": 1001}),
        (approver, "/removals", {"division": COUNTY, "due_working_days": 251}),
        (approver, "/removals", {"division": "1"}),
        (staff, "/signs/requests", ASKED | {"position": "roof"}),
        (staff, "/signs/requests", ASKED | {"department": "ZWJ"}),
    ]
    for client, path, body in misshapen:
        refused = await client.post(path, body)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:qingdan:problem:invalid"), (path, body)


async def test_an_auditor_reads_and_changes_nothing(scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer) -> None:
    await scene.count(counted("消防安全办公室"))
    auditor = Client(http, issuer, Actor("auditor", frozenset({Role.SIGN_APPROVER, Role.AUDITOR}), COUNTY))
    assert len((await auditor.get("/signs")).json()["items"]) == 1
    refused = await auditor.post("/removals", {"division": COUNTY})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:qingdan:problem:forbidden")
    assert [sign.state for sign in await scene.signs()] == ["hanging"]


async def test_without_a_token_nothing_is_answered(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/v1/signs")).status_code == 401
