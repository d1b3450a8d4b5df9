"""The life of a run over HTTP: versions, repeated clicks, roles, limits, and what is shown of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from qingdan.ids import RunId
from runtime.paging import cursor_behind
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday, line, settled, stranger


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


@pytest.fixture
async def http(payday: Payday, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with application_of_subsidy(payday.scene.pool, issuer) as client:
        yield client


@pytest.fixture
def preparer(http: httpx2.AsyncClient, issuer: Issuer, payday: Payday) -> Client:
    return Client(http, issuer, payday.scene.preparer)


@pytest.fixture
def approver(http: httpx2.AsyncClient, issuer: Issuer, payday: Payday) -> Client:
    return Client(http, issuer, payday.scene.approver)


@pytest.fixture
async def run(payday: Payday) -> RunId:
    """A previewed run of three people."""
    return await payday.previewed(await payday.people(3))


async def test_a_run_from_its_freeze_to_its_close(
    payday: Payday, preparer: Client, approver: Client, run: RunId
) -> None:
    notice = {"notice_until": str(payday.scene.today)}
    frozen = await preparer.post(f"/runs/{run}/freeze", notice, version=1)
    assert (frozen.status_code, frozen.headers["ETag"]) == (200, '"2"')
    shown = (await approver.get(f"/runs/{run}")).json()
    assert shown["frozen_hash"] == frozen.json()["frozen_hash"]
    seen = {"frozen_hash": shown["frozen_hash"]}
    approved = await approver.post(f"/runs/{run}/approve", seen, version=2)
    assert (approved.json()["items"], approved.json()["total_fen"]) == (3, 3 * AMOUNT_FEN)
    assert (approved.json()["state"], approved.json()["approvals"], approved.headers["ETag"]) == ("approved", 1, '"3"')
    await payday.oblige(run)
    await payday.instruct()
    payments = await payday.payments(run)
    await payday.says(*(settled(payment) for payment in payments))
    version = await payday.version(run)
    lines = [line(payment).model_dump(mode="json") for payment in payments]
    taken = await preparer.post(f"/runs/{run}/statement", {"lines": lines}, version=version)
    assert taken.json() == {"run": str(run), "lines": 3}
    reconciled = await preparer.post(f"/runs/{run}/reconcile", version=version + 1)
    assert reconciled.json()["differences"] == 0
    closed = await preparer.post(f"/runs/{run}/close", version=version + 2)
    assert (closed.status_code, closed.headers["ETag"]) == (200, f'"{version + 3}"')
    assert closed.json()["totals"]["settled"] == {"payments": 3, "total_fen": 3 * AMOUNT_FEN}
    statistics = (await preparer.get("/statistics")).json()
    assert (statistics["paid_fen"], statistics["ledger_sum_fen"]) == (3 * AMOUNT_FEN, 0)


async def test_a_click_repeated_is_one_click(payday: Payday, preparer: Client, approver: Client, run: RunId) -> None:
    frozen = (await payday.freeze(run)).frozen_hash
    answers = [
        await approver.post(f"/runs/{run}/approve", {"frozen_hash": frozen}, version=2, key="one-click")
        for _ in range(3)
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    await payday.oblige(run)
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true", "true"]
    assert len(await payday.payments(run)) == 3
    other = await approver.post(f"/runs/{run}/approve", {"frozen_hash": "0" * 64}, version=2, key="one-click")
    assert other.status_code == 422
    assert (await preparer.post(f"/runs/{run}/close", version=2)).status_code == 412


async def test_what_is_refused_says_why(payday: Payday, preparer: Client, approver: Client, run: RunId) -> None:
    notice = {"notice_until": str(payday.scene.today)}
    assert (await preparer.post(f"/runs/{run}/freeze", notice)).status_code == 428
    assert (await approver.post(f"/runs/{run}/freeze", notice, version=1)).status_code == 403
    assert (await preparer.post(f"/runs/{run}/freeze", {"notice_until": "2020-01-01"}, version=1)).status_code == 422
    early = await approver.post(f"/runs/{run}/pay-again", version=1)
    assert (early.status_code, early.json()["state"]) == (409, "previewed")
    await payday.freeze(run)
    wrong = await approver.post(f"/runs/{run}/approve", {"frozen_hash": "0" * 64}, version=2)
    assert wrong.json()["type"] == "urn:qingdan:problem:hash-differs"
    assert (await approver.post(f"/runs/{run}/approve", {"frozen_hash": "abc"}, version=2)).status_code == 422
    assert (await approver.post(f"/runs/{uuid4()}/approve", {"frozen_hash": "0" * 64}, version=2)).status_code == 404


async def test_a_statement_comes_in_parts_of_two_thousand(payday: Payday, preparer: Client, run: RunId) -> None:
    await payday.approve(run)
    await payday.instruct()
    line = {"status": "settled", "amount_fen": AMOUNT_FEN, "bank_reference": "R" * 64}
    lines = [{"payment": str(uuid4()), **line} for _ in range(2_001)]
    version = await payday.version(run)
    assert (await preparer.post(f"/runs/{run}/statement", {"lines": lines}, version=version)).status_code == 422
    taken = await preparer.post(f"/runs/{run}/statement", {"lines": lines[1:]}, version=version)
    assert (taken.status_code, taken.json()["lines"]) == (200, 2_000)  # under the limit of a request's body
    compared = (await preparer.post(f"/runs/{run}/reconcile", version=version + 1)).json()
    assert (compared["differences"], len(compared["first"])) == (2_003, 100)
    page = (await preparer.get(f"/runs/{run}/differences", limit=2)).json()
    assert [item["payment"] for item in page["items"]] == [item["payment"] for item in compared["first"][:2]]
    again = (await preparer.get(f"/runs/{run}/differences", limit=1, after=page["next"])).json()
    assert again["items"] == compared["first"][2:3]


async def test_payments_and_oddities_are_listed_in_pages(payday: Payday, preparer: Client, run: RunId) -> None:
    await payday.approve(run)
    await payday.instruct()
    await payday.says(stranger(), stranger())
    payments = await payday.payments(run)
    first = (await preparer.get("/payments", run=str(run), limit=2)).json()
    rest = (await preparer.get("/payments", run=str(run), limit=2, after=first["next"])).json()
    assert [item["payment"] for item in first["items"] + rest["items"]] == [str(each.payment) for each in payments]
    assert rest["next"] is None
    assert (await preparer.get("/payments", state="settled")).json()["items"] == []
    odd = (await preparer.get("/oddities", limit=1)).json()
    assert len((await preparer.get("/oddities", after=odd["next"])).json()["items"]) == 1
    for path in ("/payments", "/oddities"):
        assert (await preparer.get(path, after="x")).status_code == 422
    assert (await preparer.get("/oddities", after=cursor_behind(2**63))).status_code == 422


async def test_nobody_is_named_in_anything_that_is_answered(payday: Payday, preparer: Client, run: RunId) -> None:
    await payday.approve(run)
    await payday.instruct()
    accounts = [order.account.reveal() for order in await payday.orders()]
    answered = "".join(
        [(await preparer.get(path)).text for path in ("/payments", "/oddities", "/statistics", f"/runs/{run}")]
    )
    assert not [account for account in [*accounts, "金丝雀"] if account in answered]
