"""Adjustments and recoveries over HTTP: roles, repeated clicks, versions, pages, and unfit input."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from tests.integration.subsidy.adjusted_month import PaidMonth, paid_month
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, PERIOD, Scene
from tests.integration.subsidy.frozen_run import Payday

OLD = {"birth_date": "1941-05-01"}  # 8,500 fen
SEVENTY = {"birth_date": "1956-05-01"}
ADJUST = {"division": COUNTY, "period": PERIOD}


@pytest.fixture
async def month(bare: Scene, tmp_path: Path) -> PaidMonth:
    """Paid to two; one of them had died before, and of another it became known that they are old."""
    month, (dead, also, new) = await paid_month(Payday(bare, tmp_path), OLD, OLD, SEVENTY)
    await month.corrected(dead, is_alive=False)
    await month.corrected(also, birth_date="1940-05-01")
    await month.corrected(new, birth_date="1941-05-01")
    return month


@pytest.fixture
async def http(month: PaidMonth, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with application_of_subsidy(month.scene.pool, issuer) as client:
        yield client


@pytest.fixture
def preparer(http: httpx2.AsyncClient, issuer: Issuer, month: PaidMonth) -> Client:
    return Client(http, issuer, month.scene.preparer)


@pytest.fixture
def approver(http: httpx2.AsyncClient, issuer: Issuer, month: PaidMonth) -> Client:
    return Client(http, issuer, month.scene.approver)


async def test_from_a_proposal_to_what_is_repaid(month: PaidMonth, preparer: Client, approver: Client) -> None:
    made = await preparer.post("/adjustments", ADJUST)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"'), made.text
    path = f"/adjustments/{made.json()['adjustment']}"
    shown = await approver.get(path)
    assert (shown.headers["ETag"], shown.json()["state"], shown.json()["number"]) == ('"1"', "proposed", 1)
    [totals] = shown.json()["programmes"]
    assert totals == {
        "programme": "B08",
        "items": 3,
        "arrears": 2,
        "arrears_fen": 8_600,
        "recoveries": 1,
        "recoveries_fen": 8_500,
    }
    seen = {"items_hash": shown.json()["items_hash"]}
    refused = await preparer.post(f"{path}/decide", seen, version=1)
    assert refused.status_code == 403
    decided = await approver.post(f"{path}/decide", seen, version=1)
    assert (decided.status_code, decided.headers["ETag"]) == (200, '"2"'), decided.text
    assert decided.json()["arrears"] == {"payments": 2, "total_fen": 8_600}
    stale = await approver.post(f"{path}/decide", seen, version=1)
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:qingdan:problem:stale-version")
    again = await approver.post(f"{path}/decide", seen, version=2)
    assert (again.status_code, again.json()["type"]) == (409, "urn:qingdan:problem:adjustment-ended")
    [run] = (await preparer.get("/runs")).json()["items"]
    assert run["state"] == "paying"
    [claim] = (await preparer.get("/recoveries", state="open")).json()["items"]
    recovery = f"/recoveries/{claim['recovery']}"
    part = await preparer.post(f"{recovery}/repaid", {"amount_fen": 3_500, "reference": "2026/17"}, version=1)
    assert (part.status_code, part.headers["ETag"], part.json()["recovered_fen"]) == (200, '"2"', 3_500), part.text
    waived = await approver.post(f"{recovery}/waive", {"reason": "hardship"}, version=2)
    assert (waived.json()["state"], waived.headers["ETag"]) == ("waived", '"3"')
    assert await month.payday.books() == {"budget": -22_100, "payable": 8_600, "paid": 13_500}


async def test_a_repeated_click_gets_the_same_answer(month: PaidMonth, preparer: Client, approver: Client) -> None:
    key = str(uuid4())
    first = await preparer.post("/adjustments", ADJUST, key=key)
    assert (await preparer.post("/adjustments", ADJUST, key=key)).json() == first.json()
    seen, path = {"items_hash": first.json()["items_hash"]}, f"/adjustments/{first.json()['adjustment']}/decide"
    clicks = [await approver.post(path, seen, version=1, key=key) for _ in range(2)]
    assert clicks[0].json() == clicks[1].json()
    assert len(await month.scene.told("period.adjusted.v1")) == 1


async def test_items_come_in_pages_and_are_filtered(preparer: Client) -> None:
    made = (await preparer.post("/adjustments", ADJUST)).json()
    path = f"/adjustments/{made['adjustment']}/items"
    found, after = [], None
    for _ in range(3):
        page = (await preparer.get(path, limit=1, **({"after": after} if after else {}))).json()
        found += page["items"]
        after = page["next"]
    assert len({item["beneficiary"] for item in found}) == 3
    assert [item["reason"] for item in (await preparer.get(path, reason="amount_changed")).json()["items"]] == [
        "amount_changed"
    ]
    assert (await preparer.get(path, programme="B09")).json()["items"] == []
    assert (await preparer.get(path, division=COUNTY)).json()["items"] == []
    listed = (await preparer.get("/adjustments", state="proposed")).json()["items"]
    assert [each["adjustment"] for each in listed] == [made["adjustment"]]
    assert (await preparer.get("/adjustments", state="decided")).json()["items"] == []


async def test_a_dropped_proposal_is_not_decided(preparer: Client, approver: Client) -> None:
    made = (await preparer.post("/adjustments", ADJUST)).json()
    path = f"/adjustments/{made['adjustment']}"
    dropped = await preparer.post(f"{path}/drop", {}, version=1)
    assert (dropped.json()["state"], dropped.headers["ETag"]) == ("dropped", '"2"'), dropped.text
    refused = await approver.post(f"{path}/decide", {"items_hash": made["items_hash"]}, version=2)
    assert refused.json()["type"] == "urn:qingdan:problem:adjustment-ended"


async def test_unfit_input_is_refused_before_anything_changes(month: PaidMonth, preparer: Client) -> None:
    unfit: list[dict[str, object]] = [
        {"period": "2026-13"},
        {"division": "330523100000"},
        {"only": []},
        {"only": ["somebody"]},
    ]
    for part in unfit:
        refused = await preparer.post("/adjustments", {**ADJUST, **part})
        assert refused.status_code == 422, refused.text
    assert await month.scene.rows("SELECT id FROM adjustment") == []
    claims = await preparer.post(
        f"/recoveries/{uuid4()}/repaid", {"amount_fen": 0, "reference": "a name 王"}, version=1
    )
    assert claims.status_code == 422
    assert "王" not in claims.text
