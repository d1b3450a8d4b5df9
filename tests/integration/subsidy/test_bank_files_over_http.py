"""Bank files over HTTP: a profile is set, a file ordered, made and taken away, its results brought back."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from runtime.actor import Actor
from subsidy.bank_file_rules import BankFileId
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, Scene
from tests.integration.subsidy.frozen_run import BANK, Payday
from tests.integration.subsidy.test_bank_files import Till, answer, as_csv


@pytest.fixture
async def till(bare: Scene, tmp_path: Path) -> Till:
    payday = Payday(bare, tmp_path)
    await payday.open()
    return Till(payday)


class Desk(Client):
    """Somebody with a browser who sends files as well."""

    async def send(self, path: str, body: bytes, media_type: str, *, version: int) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(uuid4())}
        headers |= {"Content-Type": media_type, "If-Match": f'"{version}"'}
        return await self.http.post(f"/v1{path}", content=body, headers=headers)

    async def put(self, path: str, body: object, *, version: int) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(uuid4())}
        return await self.http.put(f"/v1{path}", json=body, headers={**headers, "If-Match": f'"{version}"'})


@pytest.fixture
async def http(till: Till, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with application_of_subsidy(till.scene.pool, issuer, till.key_file) as client:
        yield client


async def test_from_the_profile_to_the_results(till: Till, http: httpx2.AsyncClient, issuer: Issuer) -> None:
    def desk(actor: Actor) -> Desk:
        return Desk(http, issuer, actor)

    operator, preparer, approver = (
        desk(who) for who in (till.scene.operator, till.scene.preparer, till.scene.approver)
    )
    run = await till.approved(3)
    version = await till.payday.version(run)
    early = await preparer.post(f"/runs/{run}/bank-files", {"bank": BANK}, version=version)
    assert (early.status_code, early.json()["type"]) == (409, "urn:qingdan:problem:bank-takes-events")
    path = f"/bank-profiles/{COUNTY}/{BANK}"
    assert (await operator.put(path, {"format": "pain.001"}, version=0)).status_code == 422  # it names no debtor
    assert (await preparer.put(path, {"format": "csv"}, version=0)).status_code == 403
    assert (await operator.put(path, {"format": "csv"}, version=0)).headers["ETag"] == '"1"'
    assert (await approver.get("/bank-profiles")).json()["items"][0]["profile"]["channel"] == "file"
    ordered = await preparer.post(f"/runs/{run}/bank-files", {"bank": BANK}, version=version)
    assert ordered.status_code == 201
    file = ordered.json()["file"]
    assert (await preparer.get(f"/bank-files/{file}/content")).status_code == 409
    await till.make()
    shown = await approver.get(f"/bank-files/{file}")
    content = await preparer.get(f"/bank-files/{file}/content")
    assert content.headers["Content-Type"].startswith("text/csv")
    assert content.headers["Content-Disposition"] == f'attachment; filename="{shown.json()["file_name"]}"'
    assert content.headers["Cache-Control"] == "no-store"
    assert len(content.content) == shown.json()["content_bytes"]
    assert [each["file"] for each in (await preparer.get("/bank-files", run=str(run), limit=1)).json()["items"]] == [
        file
    ]
    payments, etag = await till.payday.payments(run), int(shown.headers["ETag"].strip('"'))
    body = as_csv(answer(BankFileId(UUID(file)), payments, ["成功"] * 3))
    assert (
        await preparer.send(f"/bank-files/{file}/results", b"{}", "application/json", version=etag)
    ).status_code == 422
    cut = await preparer.send(f"/bank-files/{file}/results", body[:-60], "text/csv", version=etag)
    assert (cut.status_code, cut.json()["type"]) == (422, "urn:qingdan:problem:file-truncated")
    assert "合计" in cut.json()["title_zh"]
    assert (await approver.send(f"/bank-files/{file}/results", body, "text/csv", version=etag)).status_code == 403
    taken = await preparer.send(f"/bank-files/{file}/results", body, "text/csv", version=etag)
    assert (taken.status_code, taken.json()["changed"]) == (200, {"settled": 3})
    stale = await preparer.send(f"/bank-files/{file}/results", body, "text/csv", version=etag)
    assert stale.status_code == 412
