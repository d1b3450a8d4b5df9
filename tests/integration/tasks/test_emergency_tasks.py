"""Tasks that an emergency gives rise to: no meeting, but the same gate, and only while its item is in force."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from devkit.browser import Client, application
from devkit.issuer import Issuer
from qingdan.divisions import COUNTRY, DivisionCode
from qingdan.gate import Ask
from qingdan.ids import ApplicationId
from qingdan.tasks_events import AskKind, AskMerged, TaskPublished
from runtime.actor import Actor, Role
from runtime.db import transaction
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound
from tasks.app import service
from tasks.budget_rules import BeyondBudget
from tasks.change_budget import change_budget
from tasks.emergency_rules import EmergencyIsOver
from tasks.enter_emergency import enter_emergency
from tasks.gate_rules import AskedAlready, NotOnTheList
from tasks.lapse_emergencies import lapse_emergencies
from tasks.list_merged_asks import list_merged_asks
from tasks.list_shares import list_shares
from tasks.publish_task import Terms, publish_emergency_task
from tasks.show_task import show_task
from tasks.task_rules import VillagesNotInMeeting
from tests.integration.service_scene import person
from tests.integration.tasks.access_people import CIVIL, OFFICE, PARTY, RURAL, WANTED, decide
from tests.integration.tasks.burden_check import ledger, sum_of_its_asks
from tests.integration.tasks.conftest import COUNTY, NEIGHBOUR, TOWN, VILLAGE

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

FARAWAY = DivisionCode("130431100201")  # of the other township
CULVERTS = Ask("JTJ", AskKind.TASK, "排查桥涵险情", "Look for culverts in danger", None)
BY_ANOTHER = Ask("NYJ", AskKind.TASK, "排查桥涵的险情", "Look for the culverts in danger", None)


async def flood(scene: "Scene", **changed: Any) -> ApplicationId:
    """A flood, and what the roads' department needs because of it."""
    wanted = WANTED.model_copy(update=changed)
    return (await enter_emergency(scene.pool, OFFICE, "JTJ", "flood", wanted)).application


async def ask_for(
    scene: "Scene",
    emergency: ApplicationId,
    ask: Ask = CULVERTS,
    villages: Sequence[DivisionCode] = (VILLAGE,),
    terms: Terms = Terms(),  # noqa: B008 - frozen
    *,
    by: Actor | None = None,
) -> TaskPublished | AskMerged:
    return await publish_emergency_task(scene.pool, by or scene.town, emergency, ask, villages, terms)


async def test_without_a_meeting_a_task_has_the_emergency_as_its_origin(scene: "Scene") -> None:
    emergency = await flood(scene)
    event = await ask_for(scene, emergency, villages=(VILLAGE, NEIGHBOUR))
    assert isinstance(event, TaskPublished)
    assert (event.origin.service, event.origin.kind, event.origin.id) == ("tasks", "emergency", emergency)
    assert (event.division, event.list_version, event.hours_estimate) == (TOWN, 2, 6)
    shown = await show_task(scene.pool, scene.town, event.task)
    assert (shown.meeting, shown.item, shown.origin.kind) == (None, event.item, "emergency")
    (share,) = await list_shares(scene.pool, scene.cadre, limit=5)
    assert (share.task, share.state) == (event.task, "published")
    assert await ledger(scene) == await sum_of_its_asks(scene)


async def test_the_county_asks_in_all_its_townships_and_a_township_in_its_own(scene: "Scene") -> None:
    emergency = await flood(scene)
    event = await ask_for(scene, emergency, villages=(VILLAGE, FARAWAY), by=scene.county)
    assert isinstance(event, TaskPublished)
    assert event.division == COUNTY
    with pytest.raises(VillagesNotInMeeting):
        await ask_for(scene, emergency, villages=(VILLAGE, FARAWAY))


async def test_who_asks_in_an_emergency(scene: "Scene") -> None:
    emergency = await flood(scene)
    for actor in (scene.cadre, person(Role.DEPARTMENT_STAFF, COUNTY, "JTJ"), person(Role.ACCESS_APPROVER, COUNTY)):
        with pytest.raises(Forbidden):
            await ask_for(scene, emergency, by=actor)
    for stranger in (person(Role.TOWN_STAFF, COUNTRY), person(Role.TOWN_STAFF, DivisionCode("130400000000"))):
        with pytest.raises(NotFound):
            await ask_for(scene, emergency, by=stranger)
    with pytest.raises(NotFound):
        await ask_for(scene, ApplicationId(new_id()))


async def test_when_it_has_lapsed_nothing_more_is_asked(scene: "Scene") -> None:
    emergency = await flood(scene)
    await ask_for(scene, emergency)
    while await lapse_emergencies(scene.pool, scene.service, scene.today + timedelta(days=30)):
        pass
    with pytest.raises(EmergencyIsOver):
        await ask_for(scene, emergency, villages=(NEIGHBOUR,))
    assert await scene.told("ask.refused.v1") == []  # it never came to the gate


async def test_when_it_was_refused_nothing_more_is_asked(scene: "Scene") -> None:
    emergency = await flood(scene)
    await decide(scene, RURAL, emergency, "refuse", "no_legal_basis")
    with pytest.raises(EmergencyIsOver):
        await ask_for(scene, emergency)


async def test_when_it_was_approved_it_goes_on(scene: "Scene") -> None:
    emergency = await flood(scene)
    for by in (RURAL, PARTY, CIVIL):
        await decide(scene, by, emergency)
    event = await ask_for(scene, emergency)
    assert isinstance(event, TaskPublished)


async def test_the_gate_asks_the_same_of_an_emergency(scene: "Scene") -> None:
    emergency = await flood(scene)
    with pytest.raises(NotOnTheList) as refused:
        await ask_for(scene, emergency, BY_ANOTHER)
    assert refused.value.details["code"] == "asker_not_named"
    for _ in range(2):
        await ask_for(scene, emergency)
    with pytest.raises(NotOnTheList) as often:
        await ask_for(scene, emergency)
    assert often.value.details["code"] == "beyond_item"
    assert len(await scene.told("ask.refused.v1")) == 2


async def test_it_relies_on_its_own_item_whatever_the_ask_cites(scene: "Scene") -> None:
    event = await ask_for(scene, await flood(scene), Ask("JTJ", AskKind.TASK, "硬化", "Harden", "RQ03"))
    assert isinstance(event, TaskPublished)
    assert event.item != "RQ03"


async def test_the_same_of_two_departments_is_refused_or_merged_without_a_meeting(scene: "Scene") -> None:
    emergency = await flood(scene, askers=("JTJ", "NYJ"))
    first = await ask_for(scene, emergency)
    assert isinstance(first, TaskPublished)
    with pytest.raises(AskedAlready):
        await ask_for(scene, emergency, BY_ANOTHER)
    merged = await ask_for(scene, emergency, BY_ANOTHER, terms=Terms(if_duplicate="merge"))
    assert isinstance(merged, AskMerged)
    assert merged.into == first.task
    (shown,) = await list_merged_asks(scene.pool, scene.town, department=None, after=None, limit=5)
    assert shown.meeting is None


async def test_an_emergency_says_why_it_takes_a_village_beyond_its_budget(scene: "Scene") -> None:
    emergency = await flood(scene)
    await change_budget(scene.pool, scene.county, COUNTY, scene.today, 5)
    with pytest.raises(BeyondBudget):
        await ask_for(scene, emergency)
    event = await ask_for(scene, emergency, terms=Terms(beyond_budget_reason="洪水将至"))
    assert isinstance(event, TaskPublished)
    assert event.villages_beyond_budget == 1


async def test_another_county_sees_no_emergency_of_this_one(scene: "Scene") -> None:
    await flood(scene)
    async with transaction(scene.pool, scene.other_town) as tx:
        assert len(await tx.fetch("SELECT FROM emergency_item")) == 1  # its own county's
    async with transaction(scene.pool, scene.operator) as tx:
        await tx.execute(
            "INSERT INTO division (code, level, name_zh, parent_id)"
            " SELECT '130432000000', 'county', '别县', id FROM division WHERE code = '130400000000'"
        )
        await tx.execute(
            "INSERT INTO division_closure SELECT c.ancestor_id, n.id, c.depth + 1 FROM division_closure c, division n,"
            " division p WHERE n.code = '130432000000' AND p.code = '130400000000' AND c.descendant_id = p.id"
            " UNION ALL SELECT id, id, 0 FROM division WHERE code = '130432000000'"
        )
    async with transaction(scene.pool, person(Role.TOWN_STAFF, DivisionCode("130432000000"))) as tx:
        assert await tx.fetch("SELECT FROM emergency_item") == []


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database, without a socket."""
    async with application(service, scene.pool, issuer) as client:
        yield client


async def test_over_http_a_repeated_click_asks_once(scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer) -> None:
    path = f"/access/emergencies/{await flood(scene)}/tasks"
    body = {
        "department": "JTJ",
        "kind": "task",
        "title_zh": CULVERTS.title_zh,
        "title_en": CULVERTS.title_en,
        "villages": [VILLAGE],
    }
    town = Client(http, issuer, scene.town)
    first, again = [await town.post(path, body, key="one-click") for _ in range(2)]
    assert (first.status_code, first.json()["origin"]["kind"]) == (201, "emergency")
    assert (again.text, again.headers["Idempotency-Replayed"]) == (first.text, "true")
    assert len(await scene.told("task.published.v1")) == 1
    assert (await Client(http, issuer, scene.cadre).post(path, body)).status_code == 403
    other = await Client(http, issuer, scene.other_town).post(path, body)
    assert (other.status_code, other.json()["villages"]) == (422, [VILLAGE])
