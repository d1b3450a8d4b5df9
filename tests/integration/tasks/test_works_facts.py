"""What works took and saved, as in Jiazhuang and Yeguanying: kept with each report, summed, and counted for nothing."""

from collections.abc import AsyncIterator
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from qingdan.assessment import Tally
from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId
from qingdan.money import Fen
from qingdan.tasks_events import WorksFacts
from runtime.actor import Actor, Role
from runtime.db import Version
from tasks import assessment_store
from tasks.app import service
from tasks.claim_task import claim_task
from tasks.list_works import WorksSum, list_works
from tasks.report_done import report_done
from tasks.report_progress import report_progress
from tasks.show_share import show_share
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import COUNTY, NEIGHBOUR, ROAD, TOWN, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

HUTONG = WorksFacts(
    labour_days=92, households_taking_part=92, material_reused_kg=40_000, money_saved_fen=Fen(1_250_050)
)


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application(service, scene.pool, issuer) as client:
        yield client


async def road(scene: "Scene") -> ShareId:
    """A road that the village has claimed."""
    share = await scene.share(ROAD)
    await claim_task(scene.pool, scene.cadre, share, 10, expected=Version(1))
    return share


async def tell(scene: "Scene", share: ShareId, works: WorksFacts | None, *, version: int = 2) -> None:
    await report_progress(
        scene.pool, scene.cadre, share, 50, note="", photo_sha256=(), works=works, expected=Version(version)
    )


async def sums(scene: "Scene", actor: Actor, **asked: Any) -> list[WorksSum]:
    return await list_works(scene.pool, actor, **asked, limit=50)


async def test_what_a_report_tells_is_kept_told_and_shown_with_labour_for_each_household(scene: "Scene") -> None:
    share = await road(scene)
    await tell(scene, share, HUTONG)
    (told,) = await scene.told("share.progressed.v1")
    assert told["works"] == HUTONG.model_dump(mode="json")
    shown = await show_share(scene.pool, scene.cadre, share)
    assert shown.works is not None
    assert (shown.works.labour_days, shown.works.labour_days_per_household) == (92, Decimal("1.0"))
    assert (shown.works.money_saved_fen, shown.works.money_saved_yuan) == (1_250_050, "12,500.50")
    assert [report.works for report in shown.reports] == [HUTONG]


async def test_a_later_report_may_put_it_right_downwards_and_what_it_does_not_name_stays(scene: "Scene") -> None:
    share = await road(scene)
    await tell(scene, share, HUTONG)
    await tell(scene, share, WorksFacts(labour_days=80), version=3)
    await tell(scene, share, None, version=4)
    await report_done(scene.pool, scene.cadre, share, (), works=WorksFacts(money_saved_fen=Fen(5)), expected=Version(5))
    shown = await show_share(scene.pool, scene.town, share)
    assert shown.works is not None
    assert WorksFacts(**{name: getattr(shown.works, name) for name in WorksFacts.model_fields}) == HUTONG.model_copy(
        update={"labour_days": 80, "money_saved_fen": 5}
    )
    assert shown.works.labour_days_per_household == Decimal("0.9")
    said = [report.works.model_dump(exclude_none=True) if report.works else None for report in shown.reports]
    assert said == [HUTONG.model_dump(), {"labour_days": 80}, None, {"money_saved_fen": 5}]
    (done,) = await scene.told("share.reported-done.v1")
    assert done["works"]["money_saved_fen"] == 5


async def test_a_share_of_which_nothing_was_told_shows_nothing(scene: "Scene") -> None:
    share = await road(scene)
    await tell(scene, share, None)
    assert (await show_share(scene.pool, scene.cadre, share)).works is None
    assert await sums(scene, scene.town) == []


async def test_sums_are_by_township_and_item_and_labour_is_of_those_that_told_both(scene: "Scene") -> None:
    first, second, visits = await road(scene), await road(scene), await scene.share(VISITS)
    await claim_task(scene.pool, scene.cadre, visits, 5, expected=Version(1))
    await tell(scene, first, HUTONG)
    await tell(scene, second, WorksFacts(labour_days=500))
    await tell(scene, visits, WorksFacts(households_taking_part=7))
    elders, roads = await sums(scene, scene.county)
    assert (elders.division, elders.item, elders.shares, elders.labour_days_per_household) == (TOWN, "RA03", 1, None)
    assert (roads.division, roads.item, roads.shares, roads.labour_days) == (TOWN, "RQ03", 2, 592)
    assert (roads.labour_days_per_household, roads.material_reused_kg) == (Decimal("1.0"), 40_000)
    assert (roads.money_saved_fen, roads.money_saved_yuan) == (1_250_050, "12,500.50")
    assert [each.item for each in await sums(scene, scene.county, item="RQ03")] == ["RQ03"]
    assert [each.division for each in await sums(scene, scene.county, level="village", item="RQ03")] == [VILLAGE]
    assert await sums(scene, scene.county, division=DivisionCode("130431100000")) == []


async def test_everybody_sums_what_they_may_see(scene: "Scene") -> None:
    share = await road(scene)
    await tell(scene, share, HUTONG)
    (theirs,) = (await scene.publish(ROAD, [NEIGHBOUR])).shares
    await claim_task(scene.pool, scene.neighbour, theirs.share, 9, expected=Version(1))
    await report_progress(
        scene.pool,
        scene.neighbour,
        theirs.share,
        10,
        note="",
        photo_sha256=(),
        works=WorksFacts(labour_days=8),
        expected=Version(2),
    )
    roads, welfare = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("JTJ", "MZJ"))
    seen = {
        actor.subject: [each.labour_days for each in await sums(scene, actor)]
        for actor in (scene.cadre, scene.neighbour, scene.town, scene.other_town, roads)
    }
    assert list(seen.values()) == [[92], [8], [100], [], [100]]
    assert await sums(scene, welfare) == []


def test_no_assessment_can_name_works() -> None:
    """Neither what is counted nor the statement that counts it."""
    assert not WorksFacts.model_fields.keys() & {field.name for field in fields(Tally)}
    assert assessment_store.__file__ is not None
    statements = Path(assessment_store.__file__).read_text()
    assert "share_works" not in statements
    assert not any(name in statements for name in WorksFacts.model_fields)


async def test_over_http_it_is_told_with_one_and_several_and_never_negative_or_empty(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    cadre, town = Client(http, issuer, scene.cadre), Client(http, issuer, scene.town)
    one, other = await road(scene), await road(scene)
    path = f"/shares/{one}/progress"
    for wrong in ({"labour_days": -1}, {}, {"labour": 3}, {"money_saved_fen": -1}, {"labour_days": None}):
        refused = await cadre.post(path, {"percent": 5, "works": wrong}, version=2)
        assert refused.status_code == 422, (wrong, refused.text)
    told, again = [
        await cadre.post(path, {"percent": 5, "works": {"labour_days": 3}}, version=2, key="one") for _ in range(2)
    ]
    assert (told.status_code, told.json()["works"]["labour_days"], again.text) == (200, 3, told.text)
    body = {
        "shares": [
            {"share": str(one), "version": 3, "works": {"labour_days": 4, "households_taking_part": 3}},
            {"share": str(other), "version": 2},
        ]
    }
    assert (await cadre.post("/shares/report-done", body)).status_code == 200
    shown = (await town.get(f"/shares/{one}")).json()
    assert (shown["works"]["labour_days"], shown["works"]["labour_days_per_household"]) == (4, "1.3")
    assert [report["works"] and report["works"]["labour_days"] for report in shown["reports"]] == [3, 4]
    assert (await town.get(f"/shares/{other}")).json()["works"] is None
    visits = await scene.share(VISITS)
    await cadre.post(f"/shares/{visits}/claim", {"limit_working_days": 5}, version=1)
    await cadre.post(f"/shares/{visits}/report-done", {"works": {"money_saved_fen": 100}}, version=2)
    rows = await everything(town, "/works")
    assert [(row["item"], row["labour_days"], row["money_saved_yuan"]) for row in rows] == [
        ("RA03", 0, "1.00"),
        ("RQ03", 4, "0.00"),
    ]
    assert len((await town.get("/works", limit=1)).json()["items"]) == 1
    assert (await town.get("/works", level="street")).status_code == 422
