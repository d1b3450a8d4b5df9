"""Work access over HTTP: from the application to a task of that item, with versions, repeated clicks and pages."""

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from runtime.actor import Actor, Role
from tasks.app import service
from tests.integration.service_scene import person
from tests.integration.tasks.access_people import BODY, OFFICE, ROADS, RURAL, RURAL_2, SPORTS, WAY
from tests.integration.tasks.conftest import COUNTY, TOWN

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

YES = {"verdict": "approve", "code": "lawful", "reason": "于法有据"}

SignIn = Callable[[Actor], Client]


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database, without a socket."""
    async with application(service, scene.pool, issuer) as client:
        yield client


@pytest.fixture
def sign_in(http: httpx2.AsyncClient, issuer: Issuer) -> SignIn:
    """Somebody with a browser."""
    return lambda actor: Client(http, issuer, actor)


async def test_from_the_application_to_a_task_that_passes_the_gate(scene: "Scene", sign_in: SignIn) -> None:
    roads, town = sign_in(ROADS), sign_in(scene.town)
    received = await roads.post("/access/applications", BODY)
    assert (received.status_code, received.json()["type"]) == (201, "access.received.v1"), received.text
    path = f"/access/applications/{received.json()['application']}"
    for actor in WAY:
        (waiting,) = (await sign_in(actor).get("/access/desk")).json()["items"]
        decided = await sign_in(actor).post(f"{path}/decide", YES, version=waiting["version"])
        assert (decided.status_code, decided.headers["ETag"]) == (200, f'"{waiting["version"] + 1}"'), decided.text
    shown = await roads.get(path)
    assert (shown.json()["state"], shown.headers["ETag"]) == ("approved", '"6"')
    item = shown.json()["item"]
    held = await town.post("/meetings", {"division": TOWN, "held_on": str(scene.today), "title": "工作部署会"})
    ask = {
        "item": item,
        "department": "JTJ",
        "kind": "task",
        "title_zh": BODY["title_zh"],
        "title_en": BODY["title_en"],
        "villages": "all",
    }
    published = await town.post(f"/meetings/{held.json()['meeting']}/tasks", ask)
    assert (published.status_code, published.json()["item"]) == (201, "AC01"), published.text


async def test_a_token_with_the_approvers_role_and_a_department_is_enough(scene: "Scene", sign_in: SignIn) -> None:
    received = await sign_in(ROADS).post("/access/applications", BODY)
    path = f"/access/applications/{received.json()['application']}"
    rural, sports = (sign_in(person(Role.ACCESS_APPROVER, COUNTY, department)) for department in ("NYJ", "WLJ"))
    assert [row["waiting_for"] for row in (await rural.get("/access/desk")).json()["items"]] == [["NYJ"]]
    assert (await sports.get("/access/desk")).json()["items"] == []
    assert (await sports.post(f"{path}/decide", YES, version=1)).status_code == 404
    assert (await rural.post(f"{path}/decide", YES, version=1)).json()["outcome"] == "next_stage"
    unbound = sign_in(person(Role.ACCESS_APPROVER, COUNTY))  # sees all desks and sits in no stage
    assert (await unbound.post(f"{path}/decide", YES, version=2)).status_code == 403


async def test_a_delegation_is_revoked_under_its_version_and_once(scene: "Scene", sign_in: SignIn) -> None:
    today, rural = str(scene.today), sign_in(RURAL)
    given = await rural.post("/access/delegations", {"delegate": RURAL_2.subject, "from_on": today, "to_on": today})
    path = f"/access/delegations/{given.json()['delegation']}/revoke"
    assert given.headers["ETag"] == '"1"'
    assert (await rural.post(path)).status_code == 428
    assert (await rural.post(path, version=2)).status_code == 412
    assert (await sign_in(OFFICE).post(path, version=1)).status_code == 404
    first, again = [await rural.post(path, version=1, key="one") for _ in range(2)]
    assert (first.status_code, first.json()["revoked_on"], first.headers["ETag"]) == (200, today, '"2"')
    assert (again.text, again.headers["Idempotency-Replayed"]) == (first.text, "true")
    assert (await rural.post(path, version=2)).json()["type"] == "urn:qingdan:problem:delegation-over"
    assert (await rural.get("/access/delegations")).json() == []
    assert (await rural.get("/access/delegations", ended=True)).json() == [first.json()]


async def test_a_repeated_click_applies_and_decides_once(scene: "Scene", sign_in: SignIn) -> None:
    roads, rural = sign_in(ROADS), sign_in(RURAL)
    first, again = [await roads.post("/access/applications", BODY, key="apply") for _ in range(2)]
    assert (first.text, again.headers["Idempotency-Replayed"]) == (again.text, "true")
    path = f"/access/applications/{first.json()['application']}/decide"
    one, two = [await rural.post(path, YES, version=1, key="decide") for _ in range(2)]
    assert (one.status_code, one.text, one.headers["ETag"]) == (200, two.text, two.headers["ETag"])
    assert len(await scene.told("access.received.v1")) == 1


async def test_a_return_is_completed_under_its_version(sign_in: SignIn) -> None:
    roads, rural = sign_in(ROADS), sign_in(RURAL)
    path = f"/access/applications/{(await roads.post('/access/applications', BODY)).json()['application']}"
    back = await rural.post(f"{path}/decide", YES | {"verdict": "return", "code": "unclear"}, version=1)
    assert back.json()["outcome"] == "returned"
    assert (await roads.post(f"{path}/submit", BODY, version=1)).status_code == 412
    handed_in = await roads.post(f"{path}/submit", BODY, version=2)
    assert (handed_in.status_code, handed_in.headers["ETag"]) == (200, '"3"')
    assert (await rural.post(f"{path}/decide", YES, version=3)).status_code == 200


async def test_what_is_forbidden_names_the_entry_also_to_the_second_click(sign_in: SignIn) -> None:
    letter = BODY | {"kinds": ["letter"]}
    first, again = [await sign_in(ROADS).post("/access/applications", letter, key="one") for _ in range(2)]
    assert (first.status_code, first.json()["type"]) == (422, "urn:qingdan:problem:negative-list-clash")
    assert again.json()["entry"] == first.json()["entry"]


async def test_input_that_nobody_should_send(sign_in: SignIn) -> None:
    roads = sign_in(ROADS)
    wrongs: tuple[dict[str, Any], ...] = ({"reason": ""}, {"kinds": []}, {"hours_estimate": -1}, {"unknown": 1})
    for wrong in wrongs:
        assert (await roads.post("/access/applications", BODY | wrong)).status_code == 422
    assert (await roads.post("/access/applications", BODY | {"law": "\x00"})).status_code == 400
    assert (await sign_in(RURAL).get("/access/desk", after="nonsense")).status_code == 422


async def test_lists_and_desks_are_paged_and_scoped(sign_in: SignIn) -> None:
    ids = [(await sign_in(ROADS).post("/access/applications", BODY)).json()["application"] for _ in range(5)]
    for actor, path in ((ROADS, "/access/applications"), (OFFICE, "/access/applications"), (RURAL, "/access/desk")):
        assert [row["application"] for row in await everything(sign_in(actor), path)] == ids
    assert (await sign_in(SPORTS).get("/access/applications")).json()["items"] == []
    assert (await sign_in(ROADS).get("/access/desk")).status_code == 403


async def test_delegations_stages_and_emergencies_have_their_addresses(scene: "Scene", sign_in: SignIn) -> None:
    today = str(scene.today)
    given = await sign_in(RURAL).post(
        "/access/delegations", {"delegate": RURAL_2.subject, "from_on": today, "to_on": today}
    )
    assert given.status_code == 201, given.text
    assert (await sign_in(RURAL).get("/access/delegations")).json() == [given.json()]
    stages = (await sign_in(ROADS).get("/access/stages")).json()
    assert [stage["code"] for stage in stages["stages"]] == ["completeness", "joint_review", "approval"]
    changed = await sign_in(scene.operator).post(
        "/access/stages", {"effective_on": today, "stages": stages["stages"][:2]}
    )
    assert (changed.status_code, changed.json()["version"]) == (201, 2), changed.text
    flood = BODY | {"department": "YJJ", "emergency": "flood"}
    entered = await sign_in(OFFICE).post("/access/emergencies", flood)
    assert (entered.status_code, entered.json()["type"]) == (201, "access.emergency-entered.v1"), entered.text
