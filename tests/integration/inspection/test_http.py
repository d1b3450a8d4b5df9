"""The inspection service over HTTP: tokens, versions, repeated clicks, pages, and input that nobody should send."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2
import pytest

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from inspection.app import service
from runtime.actor import Actor, Role
from runtime.paging import cursor_behind

if TYPE_CHECKING:
    from tests.integration.inspection.conftest import Scene


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database, without a socket."""
    async with application(service, scene.pool, issuer) as client:
        yield client


@pytest.fixture
def supervisor(http: httpx2.AsyncClient, issuer: Issuer, scene: "Scene") -> Client:
    """The township's supervision team."""
    return Client(http, issuer, scene.supervisor)


@pytest.fixture
def cadre(http: httpx2.AsyncClient, issuer: Issuer, scene: "Scene") -> Client:
    """The village's own cadre."""
    return Client(http, issuer, scene.cadre)


FOUND = {"category": "quality", "text": "路面有裂缝", "suggestion": "重新灌缝"}


async def plan(scene: "Scene", supervisor: Client) -> str:
    told = await scene.tell_of_reported_share()
    planned = await supervisor.post("/visits", {"share": str(told.share), "planned_on": str(scene.today)})
    assert (planned.status_code, planned.headers["ETag"]) == (201, '"1"'), planned.text
    return str(planned.json()["visit"])


async def test_the_whole_loop_over_http_answers_each_command_with_its_event(
    scene: "Scene", supervisor: Client, cadre: Client
) -> None:
    visit = await plan(scene, supervisor)
    done = await supervisor.post(f"/visits/{visit}/done", {"done_on": str(scene.today), "findings": [FOUND]}, version=1)
    assert (done.status_code, done.json()["type"], done.headers["ETag"]) == (200, "visit.done.v1", '"2"')
    (finding,) = (await cadre.get("/findings", state="open")).json()["items"]
    path = f"/findings/{finding['finding']}"
    rectified = await cadre.post(f"{path}/rectify", {"note": "已灌缝"}, version=finding["version"])
    assert (rectified.json()["type"], rectified.headers["ETag"]) == ("finding.rectified.v1", '"2"')
    passed = await supervisor.post(f"{path}/recheck", {"passed": True}, version=2)
    assert (passed.json()["type"], passed.headers["ETag"]) == ("recheck.passed.v1", '"3"')
    shown = await cadre.get(f"/visits/{visit}")
    assert (shown.json()["state"], shown.headers["ETag"]) == ("closed", '"4"')
    assert (await supervisor.get("/statistics")).json()["rechecks_passed"] == 1


async def test_a_repeated_click_gets_the_same_answer_and_happens_once(scene: "Scene", supervisor: Client) -> None:
    visit = await plan(scene, supervisor)
    body = {"done_on": str(scene.today), "findings": [FOUND]}
    first, again = [await supervisor.post(f"/visits/{visit}/done", body, version=1, key="one-click") for _ in range(2)]
    assert (first.status_code, first.text, first.headers["ETag"]) == (
        again.status_code,
        again.text,
        again.headers["ETag"],
    )
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len((await supervisor.get("/findings")).json()["items"]) == 1


async def test_a_repeated_click_on_the_last_recheck_gets_the_recheck_again(
    scene: "Scene", supervisor: Client, cadre: Client
) -> None:
    visit = await plan(scene, supervisor)
    await supervisor.post(f"/visits/{visit}/done", {"done_on": str(scene.today), "findings": [FOUND]}, version=1)
    (finding,) = (await cadre.get("/findings")).json()["items"]
    path = f"/findings/{finding['finding']}"
    await cadre.post(f"{path}/rectify", {"note": "已灌缝"}, version=1)
    first, again = [
        await supervisor.post(f"{path}/recheck", {"passed": True}, version=2, key="one-click") for _ in range(2)
    ]
    assert (first.text, first.headers["ETag"]) == (again.text, again.headers["ETag"])
    assert [kind for kind, _ in await scene.told_keys()].count("visit.closed.v1") == 1


async def test_a_refusal_says_what_is_refused_in_both_languages(scene: "Scene", supervisor: Client) -> None:
    visit = await plan(scene, supervisor)
    share = (await supervisor.get(f"/visits/{visit}")).json()["share"]
    refused = await supervisor.post("/visits", {"share": share, "planned_on": str(scene.today)})
    assert refused.status_code == 409
    assert refused.headers["Content-Type"] == "application/problem+json"
    problem = refused.json()
    assert problem["type"] == "urn:qingdan:problem:visit-is-open"
    assert problem["visit"] == visit
    assert "该任务已有正在进行的检查" in problem["title_zh"]


async def test_a_difficulty_is_raised_and_answered(scene: "Scene", supervisor: Client, cadre: Client) -> None:
    raised = await cadre.post("/difficulties", {"category": "funding", "text": "缺少资金"})
    assert (raised.status_code, raised.json()["type"]) == (201, "difficulty.raised.v1")
    path = f"/difficulties/{raised.json()['difficulty']}/answer"
    answered = await supervisor.post(path, {"outcome": "resolved", "text": "已安排"}, version=1)
    assert (answered.status_code, answered.headers["ETag"]) == (200, '"2"')
    (shown,) = (await cadre.get("/difficulties")).json()["items"]
    assert (shown["state"], [given["text"] for given in shown["answers"]]) == ("answered", ["已安排"])
    assert "place" not in shown


LISTS = {"/visits": "visit", "/findings": "finding", "/difficulties": "difficulty", "/shares": "share"}


async def test_pages_hold_everything_once(scene: "Scene", supervisor: Client, cadre: Client) -> None:
    for _ in range(3):
        visit = await plan(scene, supervisor)
        await supervisor.post(f"/visits/{visit}/done", {"done_on": str(scene.today), "findings": [FOUND]}, version=1)
        await cadre.post("/difficulties", {"category": "funding", "text": "缺少资金"})
    for path, name in LISTS.items():
        ids = [item[name] for item in await everything(supervisor, path)]
        assert (len(ids), len(set(ids))) == (3, 3), path


FORGED_CURSORS = [
    "x",
    "bnVsbA",  # null
    cursor_behind({"elsewhere": 1}),
    cursor_behind(["2026-03-05"] * 3),
    cursor_behind({"place": 10**18, "difficulty": "x"}),
]


async def test_a_forged_cursor_is_refused(supervisor: Client) -> None:
    answers = [await supervisor.get(path, after=cursor) for path in LISTS for cursor in FORGED_CURSORS]
    assert {answer.status_code for answer in answers} == {422}


MISSHAPEN: list[tuple[str, object]] = [
    ("/visits", {"share": "no", "planned_on": "2026-03-05"}),
    ("/visits", {"share": str(uuid4()), "planned_on": "tomorrow"}),
    ("/visits", {"share": str(uuid4()), "planned_on": "2026-03-05", "by": "me"}),
    ("/difficulties", {"category": "资金", "text": "缺少资金"}),
    ("/difficulties", {"category": "funding", "text": " "}),
    ("/difficulties", {"category": "funding", "text": ["缺少资金"]}),
    ("/difficulties", [1, 2]),
]


async def test_input_of_another_shape_is_refused(supervisor: Client) -> None:
    for path, body in MISSHAPEN:
        refused = await supervisor.post(path, body)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:qingdan:problem:invalid"), body


async def test_a_command_names_the_version_it_changes(scene: "Scene", supervisor: Client) -> None:
    visit = await plan(scene, supervisor)
    body = {"done_on": str(scene.today), "findings": []}
    assert (await supervisor.post(f"/visits/{visit}/done", body)).status_code == 428
    assert (await supervisor.post(f"/visits/{visit}/done", body, version=9)).status_code == 412


async def test_without_a_token_nothing_is_answered(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/v1/visits")).status_code == 401


async def test_an_auditor_writes_nothing_whatever_other_roles_it_has(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    told = await scene.tell_of_reported_share()
    roles = frozenset({Role.AUDITOR, Role.SUPERVISOR})
    auditor = Client(http, issuer, Actor("auditor", roles, scene.supervisor.division))
    refused = await auditor.post("/visits", {"share": str(told.share), "planned_on": str(scene.today)})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:qingdan:problem:forbidden")
    assert (await auditor.get("/shares")).status_code == 200
