"""Budgets of hours: the nearest above a village binds it, beyond it an ask says why, and a preview tells before."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.ids import ShareId
from qingdan.tasks_events import AskKind, TaskPublished
from runtime.actor import Actor, Role
from runtime.db import Version
from runtime.divisions import DivisionUnknown
from runtime.problems import Forbidden, NotFound
from tasks.app import service
from tasks.budget_rules import BeyondBudget, BudgetInThePast
from tasks.burden_rules import months_before
from tasks.change_budget import change_budget
from tasks.list_budgets import list_budgets
from tasks.list_burdened_villages import list_burdened_villages
from tasks.preview_task import TaskPreview, preview_task
from tasks.publish_task import Terms, publish_task
from tasks.refuse_share import refuse_share
from tasks.show_task import show_task
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import COUNTY, NEIGHBOUR, OTHER_TOWN, ROAD, TOWN, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

REASON = "汛前必须完成"
URGENT = Terms(beyond_budget_reason=REASON)
LETTER = Ask("JTJ", AskKind.LETTER, "签订道路养护责任状", "Sign a pledge", "RQ03")
ROAD_AGAIN = Ask("NYJ", AskKind.TASK, "村内主路硬化", "Harden the main road of the village", "RS05")


async def put(scene: "Scene", hours: int | None, division: DivisionCode = TOWN, by: Actor | None = None) -> None:
    await change_budget(scene.pool, by or scene.county, division, scene.today, hours)


async def budgets_of(scene: "Scene", month: date | None = None) -> dict[DivisionCode, int | None]:
    rows = await list_burdened_villages(scene.pool, scene.county, division=None, month=month, after=None, limit=200)
    return {row.village: row.budget for row in rows if row.village in (VILLAGE, NEIGHBOUR, "130431100201")}


async def publish(
    scene: "Scene", ask: Ask, villages: Sequence[DivisionCode] = (VILLAGE,), terms: Terms = URGENT
) -> TaskPublished:
    event = await publish_task(scene.pool, scene.town, await scene.meeting(), ask, villages, terms)
    assert isinstance(event, TaskPublished)
    return event


async def preview(
    scene: "Scene", ask: Ask, villages: Sequence[DivisionCode] = (VILLAGE,), by: Actor | None = None
) -> TaskPreview:
    meeting = await scene.meeting()
    return await preview_task(scene.pool, by or scene.town, meeting, ask, villages, timedelta(days=30))


# -- which budget binds a village -------------------------------------------------------------------------------------


async def test_the_nearest_budget_above_a_village_binds_it(scene: "Scene") -> None:
    assert set((await budgets_of(scene)).values()) == {None}
    await put(scene, 100, COUNTY)
    await put(scene, 60, TOWN)
    await put(scene, 30, VILLAGE)
    assert await budgets_of(scene) == {VILLAGE: 30, NEIGHBOUR: 60, DivisionCode("130431100201"): 100}


async def test_a_budget_that_is_taken_back_leaves_the_next_above(scene: "Scene") -> None:
    await put(scene, 100, COUNTY)
    await put(scene, 60, TOWN)
    await put(scene, None, TOWN)
    assert (await budgets_of(scene))[VILLAGE] == 100
    await put(scene, None, COUNTY)
    assert (await budgets_of(scene))[VILLAGE] is None


async def test_a_budget_stands_from_its_month_on_and_the_later_word_counts(scene: "Scene") -> None:
    this, following = scene.today, months_before(scene.today, -1)
    await put(scene, 60)
    await change_budget(scene.pool, scene.town, TOWN, following, 40)
    assert (await budgets_of(scene))[VILLAGE] == 60
    assert (await budgets_of(scene, months_before(this, -7)))[VILLAGE] == 40
    assert (await budgets_of(scene, months_before(this, 1)))[VILLAGE] is None
    await put(scene, 50)
    assert (await budgets_of(scene))[VILLAGE] == 50
    history = await list_budgets(scene.pool, scene.cadre, after=None, limit=5)
    assert [(each.hours_per_village, each.from_month) for each in history] == [
        (50, months_before(this, 0)),
        (40, following),
        (60, months_before(this, 0)),
    ]


async def test_a_budget_is_told(scene: "Scene") -> None:
    await put(scene, 60)
    (told,) = await scene.told("budget.changed.v1")
    assert (told["division"], told["hours_per_village"]) == (TOWN, 60)
    assert told["from_month"] == str(months_before(scene.today, 0))


async def test_who_sets_a_budget_and_where(scene: "Scene") -> None:
    for actor in (scene.cadre, person(Role.ACCESS_APPROVER, COUNTY), person(Role.DEPARTMENT_STAFF, COUNTY, "JTJ")):
        with pytest.raises(Forbidden):
            await put(scene, 60, actor.division, by=actor)
    with pytest.raises(Forbidden):
        await put(scene, 60, COUNTY, by=person(Role.TOWN_STAFF, COUNTY, "JTJ"))
    for foreign in (COUNTY, OTHER_TOWN):
        with pytest.raises(DivisionUnknown):
            await put(scene, 60, foreign, by=scene.town)
    with pytest.raises(BudgetInThePast):
        await change_budget(scene.pool, scene.town, TOWN, months_before(scene.today, 1), 60)
    await put(scene, 60, by=scene.operator)
    assert await scene.told("budget.changed.v1") != []


async def test_those_below_and_above_read_a_budget_and_nobody_beside(scene: "Scene") -> None:
    await put(scene, 60)
    for actor in (scene.cadre, scene.town, scene.county, person(Role.DEPARTMENT_STAFF, COUNTY, "JTJ")):
        assert len(await list_budgets(scene.pool, actor, after=None, limit=5)) == 1
    for actor in (scene.other_town, person(Role.VILLAGE_CADRE, DivisionCode("130431100201"))):
        assert await list_budgets(scene.pool, actor, after=None, limit=5) == []


# -- beyond the budget ------------------------------------------------------------------------------------------------


async def test_beyond_the_budget_nothing_is_published_or_counted_without_a_reason(scene: "Scene") -> None:
    await put(scene, 45)
    await publish(scene, ROAD, terms=Terms())  # 40 hours
    with pytest.raises(BeyondBudget) as refused:
        await publish(scene, VISITS, (VILLAGE, NEIGHBOUR), terms=Terms())
    assert refused.value.details == {
        "villages": [{"village": VILLAGE, "hours": 40, "adds": 6, "budget": 45, "over": 1}]
    }
    assert len(await scene.rows("SELECT FROM task")) == 1
    assert await scene.rows("SELECT FROM refused_ask") == []
    assert await scene.told("ask.refused.v1") == []


async def test_with_a_reason_it_is_published_counted_and_only_the_number_is_told(scene: "Scene") -> None:
    await put(scene, 45)
    assert (await publish(scene, ROAD)).villages_beyond_budget == 0
    event = await publish(scene, VISITS, (VILLAGE, NEIGHBOUR))
    assert event.villages_beyond_budget == 1
    shown = await show_task(scene.pool, scene.town, event.task)
    assert shown.beyond_budget_reason == REASON
    assert REASON not in str(await scene.told())
    rows = await list_burdened_villages(scene.pool, scene.town, division=None, month=None, after=None, limit=200)
    asked = {row.village: (row.hours, row.budget, row.beyond_budget) for row in rows if row.shares}
    assert asked == {VILLAGE: (46, 45, 1), NEIGHBOUR: (6, 45, 0)}


async def test_a_reason_is_kept_only_where_it_was_needed(scene: "Scene") -> None:
    await put(scene, 45)
    event = await publish(scene, VISITS)
    assert (await show_task(scene.pool, scene.town, event.task)).beyond_budget_reason is None


async def test_where_nobody_set_a_budget_nothing_is_said_of_it(scene: "Scene") -> None:
    await put(scene, 1, OTHER_TOWN)
    assert (await publish(scene, ROAD, terms=Terms())).villages_beyond_budget is None


async def test_a_lawful_no_makes_room_in_the_month(scene: "Scene") -> None:
    await put(scene, 45)
    event = await publish(scene, ROAD, terms=Terms())
    await refuse_share(
        scene.pool, scene.cadre, ShareId(event.shares[0].share), "no_means", "没有经费", expected=Version(1)
    )
    assert (await publish(scene, VISITS, terms=Terms())).villages_beyond_budget == 0


async def test_of_two_asks_at_once_that_fit_only_alone_one_is_beyond_the_budget(scene: "Scene") -> None:
    await put(scene, 45)
    asks = [publish(scene, ROAD, terms=Terms()) for _ in range(2)]
    answers = await asyncio.gather(*asks, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["BeyondBudget", "TaskPublished"]


async def test_the_gate_is_asked_first(scene: "Scene") -> None:
    await put(scene, 0)
    with pytest.raises(Exception, match="does not cover"):
        await publish(scene, LETTER, terms=Terms())
    assert len(await scene.told("ask.refused.v1")) == 1


# -- the preview ------------------------------------------------------------------------------------------------------


async def test_a_preview_shows_what_a_new_ask_displaces_and_writes_nothing(scene: "Scene") -> None:
    await put(scene, 45)
    task = (await publish(scene, ROAD)).task
    before = await scene.told()
    shown = await preview(scene, VISITS, (VILLAGE, NEIGHBOUR))
    assert (shown.verdict, shown.item, shown.hours_estimate, shown.needs_reason) == ("passes", "RA03", 6, True)
    full, free = shown.villages
    assert (full.village, full.hours_before, full.adds, full.hours_after, full.over) == (VILLAGE, 40, 6, 46, 1)
    assert [(each.task, each.hours) for each in full.largest] == [(task, 40)]
    assert (free.village, free.hours_before, free.hours_after, free.over, free.largest) == (NEIGHBOUR, 0, 6, 0, [])
    assert await scene.told() == before
    assert len(await scene.rows("SELECT FROM task")) == 1


async def test_a_preview_shows_the_gates_no_without_counting_it(scene: "Scene") -> None:
    shown = await preview(scene, LETTER)
    assert (shown.verdict, shown.code, shown.item, shown.needs_reason) == ("refused", "negative_list", "RQ03", False)
    task = (await scene.publish(ROAD)).task
    again = await preview(scene, ROAD_AGAIN)
    assert (again.verdict, again.code, again.earlier_task) == ("refused", "duplicate", task)
    assert await scene.rows("SELECT FROM refused_ask") == []


async def test_only_staff_of_the_meetings_township_preview(scene: "Scene") -> None:
    with pytest.raises(Forbidden):
        await preview(scene, VISITS, by=scene.cadre)
    with pytest.raises(NotFound):
        await preview(scene, VISITS, by=scene.other_town)


# -- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database, without a socket."""
    async with application(service, scene.pool, issuer) as client:
        yield client


def body(**changed: Any) -> dict[str, Any]:
    said = {"item": VISITS.cites, "department": VISITS.department, "kind": VISITS.kind.value}
    return said | {"title_zh": VISITS.title_zh, "title_en": VISITS.title_en, "villages": [VILLAGE]} | changed


async def test_over_http_a_budget_is_set_once_and_binds(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    town, cadre = Client(http, issuer, scene.town), Client(http, issuer, scene.cadre)
    budget = {"division": TOWN, "from_month": str(scene.today), "hours_per_village": 5}
    first, again = [await town.post("/burden/budgets", budget, key="one-click") for _ in range(2)]
    assert (first.status_code, first.text) == (201, again.text)
    assert len(await scene.told("budget.changed.v1")) == 1
    assert (await cadre.post("/burden/budgets", budget)).status_code == 403
    assert (await town.post("/burden/budgets", budget | {"division": OTHER_TOWN})).status_code == 404
    assert (await town.post("/burden/budgets", budget | {"hours_per_village": -1})).status_code == 422
    assert len(await everything(cadre, "/burden/budgets")) == 1
    path = f"/meetings/{await scene.meeting()}/tasks"
    shown = await town.post(f"{path}/preview", body())
    assert (shown.status_code, shown.json()["villages"][0]["over"]) == (200, 1)
    refused = await town.post(path, body(), key="ask")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:qingdan:problem:beyond-budget")
    assert refused.json()["villages"] == [{"village": VILLAGE, "hours": 0, "adds": 6, "budget": 5, "over": 1}]
    published = await town.post(path, body(beyond_budget_reason="汛前必须完成"))
    assert (published.status_code, published.json()["villages_beyond_budget"]) == (201, 1)
    assert "reason" not in published.text


async def test_over_http_the_ledger_is_read_and_paged(scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer) -> None:
    await scene.publish(VISITS, "all")
    town, stranger = Client(http, issuer, scene.town), Client(http, issuer, scene.other_town)
    told = (await town.get("/burden")).json()
    assert (told["division"], told["totals"]["shares"], told["totals"]["hours"]) == (TOWN, 21, 126)
    assert (await stranger.get("/burden")).json()["lines"] == []
    assert (await stranger.get("/burden", division=TOWN)).status_code == 404
    assert (await town.get("/burden", from_month="2026-02-01", to_month="2026-01-01")).status_code == 422
    assert len(await everything(town, "/burden/villages")) == 21
    file = await town.get("/burden/export")
    assert (file.status_code, file.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert file.text.splitlines()[1] == "MZJ,assist,1,21,126,0,0,0,0"
    assert await everything(town, "/burden/reports") == []
    assert (await http.get("/v1/burden")).status_code == 401
