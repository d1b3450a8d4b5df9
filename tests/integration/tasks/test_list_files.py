"""Lists as files over HTTP, CSV and xlsx, the township's like the village's."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import httpx2
import pytest
from python_calamine import CalamineWorkbook

from devkit.browser import Client, application
from devkit.issuer import Issuer
from devkit.story.county import rows
from qingdan.gate import Ask
from qingdan.tasks_events import AskKind
from tasks.app import service
from tasks.diff_list_versions import diff_list_versions
from tasks.export_list import export_list
from tasks.gate_rules import NotOnTheList
from tasks.import_list_version import import_list_version
from tasks.list_file_rules import FileFormat
from tasks.list_http import CSV, XLSX
from tasks.list_rules import TOWNSHIP_LIST, VILLAGE_LIST, Item, NoListInForce
from tasks.publish_list_version import publish_list_version
from tasks.publish_task import publish_task
from tasks.show_list import show_list
from tests.integration.tasks.conftest import VILLAGE, sample_items

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application(service, scene.pool, issuer) as client:
        yield client


def township_items() -> list[Item]:
    """The twelve sample duties of a township; what the sample does not say of them is the first item's."""
    named = ("code", "category", "title_zh", "title_en")
    return [sample_items()[0].model_copy(update={name: row[name] for name in named}) for row in rows("township_duties")]


async def upload(
    http: httpx2.AsyncClient, client: Client, content: bytes, media_type: str, effective_on: date, list_code: str
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {client.token}", "Idempotency-Key": "upload", "Content-Type": media_type}
    path = f"/v1/list-versions/import?effective_on={effective_on}&list_code={list_code}"
    return await http.post(path, content=content, headers=headers)


async def test_a_workbook_goes_out_and_comes_in_over_http(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    operator, cadre = Client(http, issuer, scene.operator), Client(http, issuer, scene.cadre)
    exported = await cadre.get("/list/export", format="xlsx")
    assert (exported.status_code, exported.headers["Content-Type"]) == (200, XLSX)
    assert exported.headers["Content-Disposition"] == 'attachment; filename="list-village.xlsx"'
    with CalamineWorkbook.from_filelike(BytesIO(exported.content)) as workbook:
        assert workbook.sheet_names == ["清单", "说明"]
    first, again = [await upload(http, operator, exported.content, XLSX, scene.today, "village") for _ in range(2)]
    assert (first.status_code, first.json()["version"], again.text) == (201, 2, first.text), first.text
    found = (await cadre.get("/list/diff", **{"from": 1, "to": 2})).json()
    assert not any(found[name] for name in ("added", "removed", "changed", "negative_added", "negative_removed"))
    assert (await cadre.get("/list/export", format="pdf")).status_code == 422


async def test_what_is_no_list_is_refused_over_http(scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer) -> None:
    operator, cadre = Client(http, issuer, scene.operator), Client(http, issuer, scene.cadre)
    workbook = (await cadre.get("/list/export", format="xlsx")).content
    for content, media_type, code in [(b"PK", XLSX, "xlsx"), (workbook, CSV, "csv")]:
        refused = await upload(http, operator, content, media_type, scene.today, "village")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
    assert (await upload(http, operator, workbook, "application/zip", scene.today, "village")).status_code == 415
    assert (await upload(http, cadre, workbook, XLSX, scene.today, "village")).status_code == 403


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
async def test_a_townships_list_is_read_as_of_a_day_and_goes_out_and_in_like_a_villages(
    scene: "Scene", file_format: FileFormat
) -> None:
    before = scene.today - timedelta(days=9)
    await publish_list_version(
        scene.pool, scene.operator, TOWNSHIP_LIST, effective_on=before, items=township_items(), negative=[]
    )
    fewer = [item for item in township_items() if item.code != "TR04"]
    await publish_list_version(
        scene.pool, scene.operator, TOWNSHIP_LIST, effective_on=scene.today, items=fewer, negative=[]
    )
    old, new = [await show_list(scene.pool, scene.town, TOWNSHIP_LIST, day) for day in (before, None)]
    assert (old.version, len(old.items), new.version, len(new.items)) == (1, 12, 2, 11)
    with pytest.raises(NoListInForce):
        await show_list(scene.pool, scene.town, TOWNSHIP_LIST, before - timedelta(days=1))
    exported = await export_list(scene.pool, scene.town, TOWNSHIP_LIST, before, file_format)
    event = await import_list_version(scene.pool, scene.operator, TOWNSHIP_LIST, scene.today, exported, file_format)
    assert (event.version, len(event.items)) == (3, 12)
    found = await diff_list_versions(scene.pool, scene.town, TOWNSHIP_LIST, 2, 3)
    assert ([item.code for item in found.added], found.removed, found.changed) == (["TR04"], [], [])
    assert (await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)).version == 1


@pytest.mark.parametrize("code", ["TB04", "TC01", "TR01"])
async def test_what_is_on_the_townships_list_is_not_on_the_villages(scene: "Scene", code: str) -> None:
    await publish_list_version(
        scene.pool, scene.operator, TOWNSHIP_LIST, effective_on=scene.today, items=township_items(), negative=[]
    )
    item = next(item for item in township_items() if item.code == code)
    ask = Ask("JTJ", AskKind.TASK, "农村公路日常保洁", "Keep rural roads clean", item.code)
    with pytest.raises(NotOnTheList) as refused:
        await publish_task(scene.pool, scene.town, await scene.meeting(), ask, [VILLAGE])
    assert refused.value.details["code"] == "off_list"
    (told,) = await scene.told("ask.refused.v1")
    assert (told["code"], told["decided_by"], told["nearest_item"]) == ("off_list", "gate", "RQ03")
