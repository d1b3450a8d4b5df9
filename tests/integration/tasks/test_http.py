"""The tasks service over HTTP: tokens, versions, repeated clicks, pages, and input that nobody should send."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from devkit.story.county import jize
from runtime.actor import Actor, Role
from runtime.paging import cursor_behind
from tasks.app import service
from tests.integration.tasks.conftest import TOWN, VILLAGE, sample_items, sample_negative

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

CARE = {
    "item": "RA03",
    "department": "MZJ",
    "kind": "task",
    "title_zh": "独居老人入户巡访",
    "title_en": "Visit elderly people living alone",
    "villages": "all",
}


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database, without a socket."""
    async with application(service, scene.pool, issuer) as client:
        yield client


@pytest.fixture
def town(http: httpx2.AsyncClient, issuer: Issuer, scene: "Scene") -> Client:
    """The township's staff."""
    return Client(http, issuer, scene.town)


@pytest.fixture
def cadre(http: httpx2.AsyncClient, issuer: Issuer, scene: "Scene") -> Client:
    """The village's own cadre."""
    return Client(http, issuer, scene.cadre)


@pytest.fixture
def operator(http: httpx2.AsyncClient, issuer: Issuer, scene: "Scene") -> Client:
    """Who runs the platform."""
    return Client(http, issuer, scene.operator)


async def meet(scene: "Scene", town: Client) -> str:
    held = await town.post("/meetings", {"division": TOWN, "held_on": str(scene.today), "title": "工作部署会"})
    assert (held.status_code, held.headers["ETag"]) == (201, '"1"'), held.text
    return str(held.json()["meeting"])


async def share_of(scene: "Scene", town: Client, cadre: Client, *, task: dict[str, Any] = CARE) -> str:
    published = await town.post(f"/meetings/{await meet(scene, town)}/tasks", task)
    assert published.status_code == 201, published.text
    (own,) = (await cadre.get("/shares", task=published.json()["task"])).json()["items"]
    return str(own["share"])


async def test_a_share_goes_from_meeting_to_completion(scene: "Scene", town: Client, cadre: Client) -> None:
    path = f"/shares/{await share_of(scene, town, cadre)}"
    shown = await cadre.get(path)
    assert (shown.json()["state"], shown.headers["ETag"]) == ("published", '"1"')
    claimed = await cadre.post(f"{path}/claim", {"limit_working_days": 5}, version=1)
    assert (claimed.status_code, claimed.json()["type"], claimed.headers["ETag"]) == (200, "share.claimed.v1", '"2"')
    progressed = await cadre.post(f"{path}/progress", {"percent": 50, "note": "过半"}, version=2)
    assert (progressed.json()["type"], progressed.headers["ETag"]) == ("share.progressed.v1", '"3"')
    done = await cadre.post(f"{path}/report-done", {}, version=3)
    assert (done.json()["type"], done.headers["ETag"]) == ("share.completed.v1", '"4"')
    figures = (await town.get("/statistics")).json()
    assert (figures["shares"], figures["shares_completed"], figures["letters_signed"]) == (21, 1, 0)


async def test_a_repeated_click_gets_the_same_answer_and_happens_once(
    scene: "Scene", town: Client, cadre: Client
) -> None:
    path = f"/shares/{await share_of(scene, town, cadre)}"
    commands: list[tuple[str, dict[str, Any], int]] = [("claim", {"limit_working_days": 5}, 1), ("report-done", {}, 2)]
    for command, body, version in commands:
        first, again = [
            await cadre.post(f"{path}/{command}", body, version=version, key=f"one-{command}") for _ in range(2)
        ]
        assert (first.status_code, first.text, first.headers["ETag"]) == (
            again.status_code,
            again.text,
            again.headers["ETag"],
        )
        assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await scene.told("share.claimed.v1", "share.completed.v1")) == 2


async def test_an_ask_off_the_list_is_answered_with_what_is_nearest_also_to_the_second_click(
    scene: "Scene", town: Client
) -> None:
    path = f"/meetings/{await meet(scene, town)}/tasks"
    letter = CARE | {"kind": "letter", "title_zh": "签订养老服务责任状", "title_en": "Sign a pledge"}
    first, again = [await town.post(path, letter, key="one-click") for _ in range(2)]
    problem = first.json()
    assert (first.status_code, problem["type"]) == (422, "urn:qingdan:problem:not-on-the-list")
    assert (problem["code"], problem["list_version"], problem["nearest_item"]["code"]) == ("negative_list", 1, "RA03")
    assert "现行清单未涵盖该事项" in problem["title_zh"]
    assert (again.status_code, again.json()["ask"]) == (422, problem["ask"])
    counts = (await town.get("/asks/refused/counts")).json()
    assert counts == [{"department": "MZJ", "code": "negative_list", "decided_by": "gate", "asks": 1}]


async def test_a_village_refuses_with_a_code(scene: "Scene", town: Client, cadre: Client) -> None:
    path = f"/shares/{await share_of(scene, town, cadre)}"
    refused = await cadre.post(f"{path}/refuse", {"code": "no_means", "reason": "没有经费"}, version=1)
    assert (refused.status_code, refused.json()["type"]) == (200, "share.refused.v1")
    claim = await cadre.post(f"{path}/claim", {"limit_working_days": 5}, version=2)
    assert (claim.status_code, claim.json()["type"]) == (409, "urn:qingdan:problem:share-was-refused")


async def test_list_history_and_assessment_over_http(operator: Client, town: Client, scene: "Scene") -> None:
    body = {
        "effective_on": str(scene.today),
        "items": [item.model_dump(mode="json") for item in sample_items()],
        "negative": [entry.model_dump(mode="json") for entry in sample_negative()],
    }
    published = await operator.post("/list-versions", body)
    assert (published.status_code, published.json()["version"]) == (201, 2), published.text
    assert (await town.get("/list", as_of="2021-06-30")).json()["version"] == 1
    assert (await town.get("/list/items/RQ03")).json()["list_version"] == 2
    rows = [row.model_dump(mode="json") for row in jize().history if row.village_code.startswith(TOWN[:9])]
    history = {"batch": "jize-2021-h1", "rows": rows}
    first, again = [(await operator.post("/history/import", history)).json() for _ in range(2)]
    assert (first["added"], again["added"], again["already_there"]) == (168, 0, 168)
    period = {"period_from": "2021-01-01", "period_to": "2021-06-30"}
    assessed = await town.post("/assessments", {"division": TOWN, "level": "village"} | period)
    assert (assessed.status_code, len(assessed.json()["ranks"])) == (201, 21), assessed.text
    shown = await town.get(f"/assessments/{assessed.json()['assessment']}")
    assert shown.json() == assessed.json()


async def test_an_unfit_row_is_named(operator: Client, scene: "Scene") -> None:
    items = [item.model_dump(mode="json") for item in sample_items()]
    items[7]["kinds"] = ["task", "letters"]
    refused = await operator.post("/list-versions", {"effective_on": str(scene.today), "items": items})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"], error["code"]) == (422, "/items/7/kinds/1", "enum")


LISTS = {
    "/tasks": "task",
    "/shares": "share",
    "/asks/refused": "ask",
    "/assessments": "assessment",
    "/objections": "objection",
}


async def test_pages_hold_everything_once(scene: "Scene", town: Client, cadre: Client) -> None:
    meeting = await meet(scene, town)
    period = {"division": TOWN, "level": "village", "period_from": "2021-01-01", "period_to": "2021-06-30"}
    for _ in range(3):
        await town.post(f"/meetings/{meeting}/tasks", CARE | {"villages": [VILLAGE]})
        await town.post(f"/meetings/{meeting}/tasks", CARE | {"kind": "certificate"})
        assessed = (await town.post("/assessments", period)).json()["assessment"]
        await cadre.post(f"/assessments/{assessed}/objections", {"division": VILLAGE, "reason": "未计入"})
    for path, name in LISTS.items():
        ids = [item[name] for item in await everything(town, path)]
        assert (len(ids), len(set(ids))) == (3, 3), path


FORGED_AFTER: list[object] = ["a", 1, [], {}, None]
FORGED_CURSORS = [
    "x",
    "bnVsbA",  # null
    *(cursor_behind(after) for after in FORGED_AFTER),
]


async def test_a_forged_cursor_is_refused(town: Client) -> None:
    answers = [await town.get(path, after=cursor) for path in LISTS for cursor in FORGED_CURSORS]
    assert {answer.status_code for answer in answers} == {422}


async def test_input_of_another_shape_is_refused(scene: "Scene", town: Client, cadre: Client) -> None:
    tasks, share = f"/meetings/{await meet(scene, town)}/tasks", f"/shares/{await share_of(scene, town, cadre)}"
    misshapen: list[tuple[str, object]] = [
        ("/meetings", {"division": "1", "held_on": str(scene.today), "title": "会"}),
        ("/meetings", {"division": TOWN, "held_on": str(scene.today), "title": "两\n行"}),
        (tasks, CARE | {"villages": []}),
        (tasks, CARE | {"villages": "some"}),
        (tasks, CARE | {"urgent": True}),
        (tasks, CARE | {"kind": "pledge"}),
        (f"{share}/claim", {"limit_working_days": 0}),
        (f"{share}/claim", {"limit_working_days": 251}),
        (f"{share}/refuse", {"code": "negative_list"}),
        (f"{share}/progress", {"percent": 101}),
        (f"{share}/report-done", {"photo_sha256": ["x"]}),
        ("/shares/no/claim", {"limit_working_days": 5}),
    ]
    for path, body in misshapen:
        refused = await cadre.post(path, body, version=1)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:qingdan:problem:invalid"), (path, body)


async def test_a_command_names_the_version_it_changes(scene: "Scene", town: Client, cadre: Client) -> None:
    path = f"/shares/{await share_of(scene, town, cadre)}/claim"
    body = {"limit_working_days": 5}
    assert (await cadre.post(path, body)).status_code == 428
    assert (await cadre.post(path, body, version=9)).status_code == 412


async def test_an_auditor_reads_and_changes_nothing(
    scene: "Scene", town: Client, cadre: Client, http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    share = await share_of(scene, town, cadre)
    auditor = Client(http, issuer, Actor("auditor", frozenset({Role.VILLAGE_CADRE, Role.AUDITOR}), VILLAGE))
    assert (await auditor.get(f"/shares/{share}")).status_code == 200
    refused = await auditor.post(f"/shares/{share}/claim", {"limit_working_days": 5}, version=1)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:qingdan:problem:forbidden")
    assert (await cadre.get(f"/shares/{share}")).json()["state"] == "published"


async def test_without_a_token_nothing_is_answered(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/v1/shares")).status_code == 401


async def test_a_list_is_exported_imported_and_compared(
    scene: "Scene", http: httpx2.AsyncClient, operator: Client, cadre: Client
) -> None:
    exported = await cadre.get("/list/export")
    assert (exported.status_code, exported.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")

    async def post(content: bytes, key: str, effective_on: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {operator.token}", "Idempotency-Key": key, "Content-Type": "text/csv"}
        path = f"/v1/list-versions/import?effective_on={effective_on}"
        return await http.post(path, content=content, headers=headers)

    imported = await post(exported.content.replace(b",12,10,", b",11,10,", 1), "first", str(scene.today))
    assert (imported.status_code, imported.json()["version"]) == (201, 2), imported.text
    other_day = await post(exported.content.replace(b",12,10,", b",11,10,", 1), "first", "2021-01-01")
    assert other_day.json()["type"] == "urn:qingdan:problem:key-reused"
    refused = await post(exported.content.replace(b"RS02", b"RS01", 1), "second", str(scene.today))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/rows/31/code")
    assert [version["version"] for version in await everything(cadre, "/list/versions")] == [2, 1]
    found = (await cadre.get("/list/diff", **{"from": 1, "to": 2})).json()
    assert [row["fields"] for row in found["changed"]] == [
        [{"field": "asks_per_village_year_max", "before": 12, "after": 11}]
    ]


async def test_a_duplicate_is_refused_or_merged_as_its_department_wishes(scene: "Scene", town: Client) -> None:
    road = {**CARE, "item": "RQ03", "department": "JTJ", "title_zh": "村主路硬化", "title_en": "Harden the main road"}
    again = {**road, "item": "RS05", "department": "NYJ", "title_zh": "村内主路硬化"}
    path = f"/meetings/{await meet(scene, town)}/tasks"
    first = await town.post(path, {**road, "open_to": "first"})
    assert (first.status_code, first.json()["open_to"]) == (201, "first"), first.text
    refused = await town.post(path, again)
    assert (refused.status_code, refused.json()["code"]) == (409, "duplicate")
    assert refused.json()["earlier"]["task"] == first.json()["task"]
    merged = await town.post(path, {**again, "if_duplicate": "merge"})
    assert (merged.status_code, merged.json()["into"]) == (201, first.json()["task"])
    (shown,) = await everything(town, "/asks/merged")
    assert shown["ask"] == merged.json()["ask"]
    assert (await town.get("/asks/merged/counts")).json() == [{"department": "NYJ", "asks": 1}]
