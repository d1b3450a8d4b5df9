"""A notice, an objection to it and a hold over HTTP: roles, versions, repeated clicks and refusals."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from qingdan.ids import RunId
from runtime.actor import Actor, Role
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import VILLAGE, Scene
from tests.integration.subsidy.frozen_run import Payday

CADRE = person(Role.VILLAGE_CADRE, VILLAGE)


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


@pytest.fixture
async def http(payday: Payday, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with application_of_subsidy(payday.scene.pool, issuer, payday.desk.service_key_file) as client:
        yield client


@pytest.fixture
async def run(payday: Payday) -> RunId:
    run = await payday.previewed(await payday.people(3))
    await payday.freeze(run)
    return run


async def test_a_cadre_objects_and_finance_decides(
    payday: Payday, http: httpx2.AsyncClient, issuer: Issuer, run: RunId
) -> None:
    def as_(actor: Actor) -> Client:
        return Client(http, issuer, actor)

    page = (await as_(CADRE).get(f"/runs/{run}/notice", limit=2)).json()
    assert [each["name"] for each in page["items"]] == ["金**甄", "金**甄"]
    assert len((await as_(CADRE).get(f"/runs/{run}/notice", after=page["next"])).json()["items"]) == 1
    said = {"programme": "B01", "item": page["items"][0]["item"], "reason": "not_living_there"}
    assert (await as_(CADRE).post(f"/runs/{run}/objections", said | {"text": "他不住这里"})).status_code == 422
    clicks = [await as_(CADRE).post(f"/runs/{run}/objections", said, key="one-click") for _ in range(2)]
    assert [each.status_code for each in clicks] == [201, 201]
    objection = clicks[0].json()["objection"]
    assert clicks[1].json()["objection"] == objection
    refused = await as_(CADRE).post(f"/runs/{run}/objections", said)
    assert (refused.status_code, "异议" in refused.text) == (409, True)
    [listed] = (await as_(payday.scene.preparer).get("/objections")).json()["items"]
    assert (listed["objection"], listed["state"], listed["version"]) == (objection, "raised", 1)
    stale = await as_(payday.scene.approver).post(f"/objections/{objection}/decide", {"upheld": True}, version=7)
    assert stale.status_code == 412
    decided = await as_(payday.scene.approver).post(f"/objections/{objection}/decide", {"upheld": True}, version=1)
    assert (decided.status_code, decided.json()["upheld"]) == (200, True)


async def test_finance_suspends_and_a_second_person_lifts(
    payday: Payday, http: httpx2.AsyncClient, issuer: Issuer, run: RunId
) -> None:
    preparer, approver = (Client(http, issuer, each) for each in (payday.scene.preparer, payday.scene.approver))
    [row, *_] = await payday.scene.rows("SELECT beneficiary FROM entitlement ORDER BY beneficiary")
    body = {"beneficiary": str(row["beneficiary"]), "reason": "moved_away"}
    assert (await approver.post("/holds", body)).status_code == 403
    assert (await preparer.post("/holds", body | {"occurrence": "2026-07"})).status_code == 422
    placed = await preparer.post("/holds", body)
    assert (placed.status_code, placed.headers["ETag"]) == (201, '"1"')
    [listed] = (await preparer.get("/holds", is_open="true", cause="manual")).json()["items"]
    assert (await preparer.get("/holds", keeps_back="true")).json()["items"] == []
    assert listed == placed.json()
    assert listed["waits_for"]
    path = f"/holds/{listed['hold']}/lift"
    assert (await preparer.post(path, {"outcome": "resume"}, version=1)).status_code == 403
    lifted = await approver.post(path, {"outcome": "resume"}, version=1)
    assert (lifted.status_code, lifted.headers["ETag"], lifted.json()["waits_for"]) == (200, '"2"', None)
    assert (await approver.post(path, {"outcome": "stop"}, version=2)).status_code == 409
