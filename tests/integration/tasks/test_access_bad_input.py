"""What nobody should send to work access, appeals and meetings: each gets a clear refusal, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx2
import pytest

from devkit.browser import Client, application
from devkit.issuer import Issuer
from runtime.actor import Actor
from tasks.app import service
from tests.integration.tasks.access_people import BODY, OFFICE, ROADS, RURAL, RURAL_2, applied
from tests.integration.tasks.conftest import COUNTY, OTHER_TOWN, TOWN, VILLAGE

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

YES = {"verdict": "approve", "code": "lawful", "reason": "于法有据"}
STAGE = {
    "code": "approval",
    "title_zh": "审批",
    "title_en": "Approval",
    "departments": ["ZFB"],
    "limit_working_days": 2,
    "escalate_to": "ZFB",
}
KEPT = (
    "access_application",
    "access_opinion",
    "access_delegation",
    "access_stage_set",
    "meeting",
    "meeting_objection",
    "meeting_remark",
    "refusal_appeal",
    "list_version",
    "outbox",
)


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application(service, scene.pool, issuer) as client:
        yield client


async def kept(scene: "Scene") -> dict[str, int]:
    """How many rows each table has."""
    return {name: (await scene.rows(f"SELECT count(*) AS n FROM {name}"))[0]["n"] for name in KEPT}  # names of ours


def refused(answer: httpx2.Response) -> None:
    """It is a problem that says in both languages what is wrong."""
    assert 400 <= answer.status_code < 500, answer.text
    problem = answer.json()
    assert problem["title_en"], problem
    assert problem["title_zh"], problem


APPLICATIONS: list[Any] = [
    None,
    [],
    "text",
    {},
    BODY | {"unknown": 1},
    BODY | {"title_zh": "换行\n"},
    BODY | {"title_zh": "铃\x07"},
    BODY | {"title_en": ["a list"]},
    BODY | {"title_en": "x" * 201},
    BODY | {"reason": "\x00"},
    BODY | {"reason": "字" * 2001},
    BODY | {"law": ""},
    BODY | {"article": "\x1f"},
    BODY | {"kinds": ["task"] * 1000},
    BODY | {"kinds": ["nonsense"]},
    BODY | {"askers": ["JTJ"] * 101},
    BODY | {"askers": [f"D{at}" for at in range(20_000)]},
    BODY | {"askers": ["not a code"]},
    BODY | {"category": "basic"},
    BODY | {"category": "negative"},
    BODY | {"list_code": "nowhere"},
    BODY | {"list_code": "'; DROP TABLE share; --"},
    BODY | {"division": "999999999999"},
    BODY | {"division": "130000000000"},
    BODY | {"division": "abc"},
    BODY | {"hours_estimate": 10**30},
    BODY | {"hours_estimate": 1.5},
    BODY | {"asks_per_village_year_max": 0},
    BODY | {"issued_on": "2026-02-30"},
    BODY | {"issued_on": "9999-12-31"},
    BODY | {"valid_to": "1999-01-01"},
    BODY | {"inspect_on_completion": "perhaps"},
]


async def test_no_such_application_is_received_and_no_such_emergency_entered(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    roads, office = Client(http, issuer, ROADS), Client(http, issuer, OFFICE)
    before = await kept(scene)
    for body in APPLICATIONS:
        refused(await roads.post("/access/applications", body))
        flood = body | {"department": "YJJ", "emergency": "flood"} if isinstance(body, dict) else body
        refused(await office.post("/access/emergencies", flood))
    for wrong in ({"department": "no code"}, {"emergency": ""}, {"emergency": "x" * 500}, {"department": None}):
        refused(await office.post("/access/emergencies", BODY | {"department": "YJJ", "emergency": "flood"} | wrong))
    assert await kept(scene) == before


async def test_no_opinion_under_a_wrong_version_or_about_what_is_not_there(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    path = f"/access/applications/{await applied(scene)}"
    rural, before = Client(http, issuer, RURAL), await kept(scene)
    for version in (0, 2, 10**9, 2**63, 10**40):
        refused(await rural.post(f"{path}/decide", YES, version=version))
    refused(await rural.post(f"{path}/decide", YES))
    for wrong in ({"verdict": "perhaps"}, {"code": "Not A Code"}, {"code": ""}, {"reason": ""}, {"reason": "\x00"}):
        refused(await rural.post(f"{path}/decide", YES | wrong, version=1))
    for nowhere in (uuid4(), "nothing", "00000000-0000-0000-0000-000000000000", "%00", "'"):
        refused(await rural.post(f"/access/applications/{nowhere}/decide", YES, version=1))
        refused(await rural.get(f"/access/applications/{nowhere}"))
        refused(await rural.post(f"/access/delegations/{nowhere}/revoke", version=1))
        refused(await Client(http, issuer, ROADS).post(f"/access/applications/{nowhere}/submit", BODY, version=1))
    for query in ({"after": "x"}, {"after": "\x00"}, {"limit": 0}, {"limit": 10**9}, {"limit": "many"}):
        refused(await rural.get("/access/desk", **query))
        refused(await rural.get("/access/applications", **query))
        refused(await rural.get("/asks/refused/appeals", **query))
        refused(await Client(http, issuer, scene.cadre).get("/meetings", **query))
    assert await kept(scene) == before


async def test_no_delegation_for_ever_to_oneself_or_to_nobody(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    today, rural, before = scene.today, Client(http, issuer, RURAL), await kept(scene)
    fit = {"delegate": RURAL_2.subject, "from_on": str(today), "to_on": str(today)}
    for wrong in (
        {"delegate": RURAL.subject},
        {"delegate": ""},
        {"delegate": "a\x00b"},
        {"delegate": "x" * 201},
        {"delegate": ["a"]},
        {"to_on": "9999-12-31"},
        {"to_on": str(today - timedelta(days=1))},
        {"from_on": "0001-01-01"},
        {"from_on": "9999-12-31"},
        {"from_on": "yesterday"},
        {"to_on": None},
    ):
        refused(await rural.post("/access/delegations", fit | wrong))
    assert await kept(scene) == before


async def test_no_stages_that_nobody_could_pass(scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer) -> None:
    operator, before = Client(http, issuer, scene.operator), await kept(scene)
    fit = {"effective_on": str(scene.today), "stages": [STAGE]}
    wrongs: tuple[dict[str, Any], ...] = (
        {"stages": []},
        {"stages": [STAGE] * 11},
        {"stages": [STAGE, STAGE]},
        {"stages": [STAGE | {"departments": []}]},
        {"stages": [STAGE | {"departments": ["ZFB"] * 5000}]},
        {"stages": [STAGE | {"limit_working_days": 0}]},
        {"stages": [STAGE | {"limit_working_days": 10**12}]},
        {"stages": [STAGE | {"title_zh": "\x1b[31m"}]},
        {"effective_on": "0001-01-01"},
        {"effective_on": str(scene.today - timedelta(days=1))},
        {"kind": "other"},
        {"review_days": 5},
        {"kind": "emergency"},
    )
    for wrong in wrongs:
        refused(await operator.post("/access/stages", fit | wrong))
    assert await kept(scene) == before
    for query in ({"as_of": "never"}, {"as_of": "0001-01-01"}, {"kind": "other"}):
        refused(await operator.get("/access/stages", **query))


async def test_no_minutes_of_what_was_not_held(scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer) -> None:
    town, meeting = Client(http, issuer, scene.town), await scene.meeting()
    task = (await scene.publish()).task
    before = await kept(scene)
    fit: dict[str, Any] = {"division": TOWN, "held_on": str(scene.today), "title": "工作部署会"}
    for wrong in (
        {"held_on": str(scene.today + timedelta(days=1))},
        {"held_on": "9999-12-31"},
        {"held_on": 5e18},
        {"title": ""},
        {"title": "会\x00"},
        {"title": "会" * 201},
        {"division": OTHER_TOWN},
        {"division": COUNTY},
        {"division": "999999999999"},
        {"agenda": [{"title": "x"}] * 101},
        {"agenda": [{"title": "x", "department": "no code"}]},
        {"agenda": {"title": "x"}},
    ):
        refused(await town.post("/meetings", fit | wrong))
    for villages in ([OTHER_TOWN], [VILLAGE, COUNTY], ["999999999999"], [VILLAGE] * 1001, "all", [None]):
        refused(await town.post(f"/meetings/{meeting}/attendance", {"villages": villages}, version=1))
    for version in (0, 7, 2**63):
        refused(await town.post(f"/meetings/{meeting}/attendance", {"villages": []}, version=version))
        refused(await town.post(f"/meetings/{meeting}/close", version=version))
    objection: dict[str, Any] = {"village": VILLAGE, "task": str(task), "words": "不妥"}
    for wrong in ({}, {"words": " "}, {"words": "\x00"}, {"words": "字" * 2001}, {"village": COUNTY}, {"task": "x"}):
        refused(await town.post(f"/meetings/{meeting}/objections", objection | wrong))  # the task is another meeting's
    for words in ("", " ", "\x00", "字" * 2001, 5, None):
        refused(await town.post(f"/meetings/{meeting}/remarks", {"words": words}))
    for nowhere in (uuid4(), "nothing"):
        refused(await town.get(f"/meetings/{nowhere}"))
        refused(await town.post(f"/meetings/{nowhere}/close", version=1))
        refused(await town.post(f"/meetings/{nowhere}/remarks", {"words": "x"}))
        refused(await town.get(f"/shares/{nowhere}/record"))
    assert await kept(scene) == before


async def test_no_appeal_without_reasons_or_against_nothing(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    roads, office, before = Client(http, issuer, ROADS), Client(http, issuer, OFFICE), await kept(scene)
    for ask in (uuid4(), "nothing"):
        for reasons in ("路", "", "\x00", "字" * 2001, None):
            refused(await roads.post(f"/asks/{ask}/appeal", {"reasons": reasons}))
        for body in ({"upheld": True, "reason": "可"}, {"upheld": "perhaps", "reason": "可"}, {"upheld": True}):
            refused(await office.post(f"/asks/{ask}/decision", body, version=1))
        refused(await office.get(f"/asks/{ask}/appeal"))
    assert await kept(scene) == before


async def test_everybody_at_the_wrong_door_at_once_is_told_so(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    application_id, before = await applied(scene), await kept(scene)

    async def knock(actor: Actor) -> None:
        client = Client(http, issuer, actor)
        refused(await client.post(f"/access/applications/{application_id}/decide", YES, version=1))
        refused(await client.post("/access/emergencies", BODY | {"department": "YJJ", "emergency": "flood"}))
        refused(await client.post("/access/stages", {"effective_on": str(scene.today), "stages": [STAGE]}))
        refused(await client.post(f"/access/delegations/{uuid4()}/revoke", version=1))
        refused(await client.get("/access/desk"))

    await asyncio.gather(*map(knock, (scene.cadre, scene.town, scene.other_town, scene.county, ROADS)))
    assert (await kept(scene)) == before
