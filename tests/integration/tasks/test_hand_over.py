"""A secretary changes: the desk is recorded as it stands, the next one accepts it, and nothing of the work is lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx2
import pytest

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from qingdan.ids import ShareId
from runtime.actor import Actor, Role
from runtime.db import Version
from runtime.divisions import DivisionUnknown
from runtime.problems import Forbidden, NotFound, StaleVersion
from tasks.accept_desk import accept_desk
from tasks.app import service
from tasks.appeal_refusal import appeal_refusal
from tasks.ask_extension import ask_extension
from tasks.change_limit import change_limit
from tasks.claim_task import claim_task
from tasks.hand_over_desk import DeskHandedOver, hand_over_desk
from tasks.handover_rules import HandOverClosed, NotOnThisDesk, NotYourDesk, OwnHandOver
from tasks.list_handovers import list_handovers
from tasks.list_recorded_shares import RecordedShare, list_recorded_shares
from tasks.pause_share import pause_share
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tasks.report_progress import report_progress
from tasks.show_handover import show_handover
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import COUNTY, NEIGHBOUR, ROAD, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

INCOMING = person(Role.VILLAGE_CADRE, VILLAGE, name="incoming")
ROADS, WELFARE = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("JTJ", "MZJ"))


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application(service, scene.pool, issuer) as client:
        yield client


async def claimed(scene: "Scene") -> ShareId:
    share = await scene.share()
    await claim_task(scene.pool, scene.cadre, share, 10, expected=Version(1))
    return share


async def hand_over(scene: "Scene", actor: Actor | None = None) -> DeskHandedOver:
    return await hand_over_desk(scene.pool, actor or scene.cadre, VILLAGE, {})


async def recorded(scene: "Scene", opened: DeskHandedOver, actor: Actor = INCOMING) -> dict[ShareId, RecordedShare]:
    rows = await list_recorded_shares(scene.pool, actor, opened.hand_over, limit=50)
    return {row.share: row for row in rows}


async def test_all_that_lies_on_the_desk_is_recorded_as_it_stands(scene: "Scene") -> None:
    pool, cadre = scene.pool, scene.cadre
    new, busy, waits, visited, refused, done, gone = [
        await scene.share(ROAD if n in (3, 4) else VISITS) for n in range(7)
    ]
    for share in (busy, waits, visited, done):
        await claim_task(pool, cadre, share, 10, expected=Version(1))
    await report_progress(pool, cadre, busy, 40, note="", photo_sha256=(), expected=Version(2))
    extension = await ask_extension(pool, cadre, busy, 30, "rain", expected=Version(3))
    await pause_share(pool, cadre, waits, "department", "", expected=Version(2))
    for share in (visited, done):
        await report_done(pool, cadre, share, (), expected=Version(2))
    for share in (refused, gone):
        await refuse_share(pool, cadre, share, "no_means", "", expected=Version(1))
    (asked,) = await scene.rows("SELECT id FROM refused_ask WHERE share_id = $1", refused)
    appeal = await appeal_refusal(pool, ROADS, asked["id"], "the county pays")
    opened = await hand_over_desk(pool, cadre, VILLAGE, {busy: "材料在村委会"})
    assert (opened.shares_open, opened.appeals_open) == (4, 1)
    rows = await recorded(scene, opened)
    assert set(rows) == {new, busy, waits, visited, refused}
    seen = await scene.look(busy)
    assert (rows[busy].percent, rows[busy].due_on, rows[busy].note) == (40, seen.due_on, "材料在村委会")
    assert (rows[busy].extension_limit_working_days, rows[busy].extension_decide_by) == (30, extension.decide_by)
    assert (rows[waits].waiting_for, rows[waits].paused_on) == ("department", scene.today)
    assert (rows[visited].state, rows[visited].waiting_for) == ("reported_done", "supervision")
    assert (rows[refused].state, rows[refused].appeal_decide_by) == ("refused", appeal.decide_by)
    assert (rows[new].state, rows[new].due_on, rows[new].note) == ("published", None, "")
    assert "材料" not in str(await scene.told())


async def test_the_next_one_accepts_and_goes_on_with_what_the_village_claimed(scene: "Scene") -> None:
    share = await claimed(scene)
    before = await scene.rows("SELECT * FROM share")
    opened = await hand_over(scene)
    event = await accept_desk(scene.pool, INCOMING, opened.hand_over, expected=Version(1))
    assert (event.village, event.shares_open, event.transferred_on) == (VILLAGE, 1, scene.today)
    assert await scene.rows("SELECT * FROM share") == before
    assert await scene.told("desk.transferred.v1") == [event.model_dump(mode="json")]
    assert (await scene.told_keys())[-1] == ("desk.transferred.v1", VILLAGE)
    view = await show_handover(scene.pool, scene.town, opened.hand_over)
    assert (view.state, view.handed_over_by, view.accepted_by) == ("accepted", scene.cadre.subject, INCOMING.subject)
    changed = await change_limit(scene.pool, INCOMING, share, 20, "交接后重新安排", expected=Version(2))
    assert changed.limit_working_days == 20
    assert len(await scene.rows("SELECT * FROM audit_entry WHERE action = 'desk.handed-over'")) == 1


async def test_who_may_hand_over_and_who_may_accept(scene: "Scene") -> None:
    pool = scene.pool
    with pytest.raises(NotYourDesk):
        await hand_over(scene, scene.neighbour)
    with pytest.raises(DivisionUnknown):
        await hand_over(scene, scene.other_town)
    with pytest.raises(Forbidden):
        await hand_over(scene, WELFARE)
    opened = await hand_over(scene, scene.town)
    assert (await show_handover(pool, scene.cadre, opened.hand_over)).by_town
    with pytest.raises(Forbidden):
        await accept_desk(pool, scene.town, opened.hand_over, expected=Version(1))
    with pytest.raises(NotFound):
        await accept_desk(pool, scene.neighbour, opened.hand_over, expected=Version(1))
    with pytest.raises(StaleVersion):
        await accept_desk(pool, INCOMING, opened.hand_over, expected=Version(2))
    own = await hand_over(scene, INCOMING)
    with pytest.raises(OwnHandOver):
        await accept_desk(pool, INCOMING, own.hand_over, expected=Version(1))
    with pytest.raises(HandOverClosed):  # the later record has replaced it
        await accept_desk(pool, INCOMING, opened.hand_over, expected=Version(2))
    await accept_desk(pool, scene.cadre, own.hand_over, expected=Version(1))
    with pytest.raises(HandOverClosed):
        await accept_desk(pool, scene.cadre, own.hand_over, expected=Version(2))
    assert len(await scene.told("desk.transferred.v1")) == 1


async def test_a_note_on_what_does_not_lie_there_records_nothing(scene: "Scene") -> None:
    (theirs,) = (await scene.publish(VISITS, [NEIGHBOUR])).shares
    with pytest.raises(NotOnThisDesk):
        await hand_over_desk(scene.pool, scene.cadre, VILLAGE, {theirs.share: "not ours"})
    assert await scene.rows("SELECT * FROM desk_handover") == []


async def test_of_several_at_once_the_last_one_counts(scene: "Scene") -> None:
    await claimed(scene)
    await asyncio.gather(*(hand_over(scene, actor) for actor in (scene.cadre, scene.town, scene.cadre)))
    states = [view.state for view in await list_handovers(scene.pool, scene.town, limit=9)]
    assert sorted(states) == ["open", "replaced", "replaced"]


async def test_lists_are_ones_own_and_a_department_sees_its_own_shares(scene: "Scene") -> None:
    pool = scene.pool
    await claimed(scene)
    road = await scene.share(ROAD)
    opened = await hand_over(scene)
    await hand_over_desk(pool, scene.neighbour, NEIGHBOUR, {})

    async def seen(actor: Actor) -> int:
        return len(await list_handovers(pool, actor, limit=9))

    assert [await seen(actor) for actor in (scene.cadre, scene.neighbour, scene.town, scene.other_town)] == [1, 1, 2, 0]
    assert [view.hand_over for view in await list_handovers(pool, scene.town, village=VILLAGE, limit=9)] == [
        opened.hand_over
    ]
    assert await list_handovers(pool, scene.town, state="accepted", limit=9) == []
    for stranger in (scene.neighbour, scene.other_town):
        with pytest.raises(NotFound):
            await show_handover(pool, stranger, opened.hand_over)
        with pytest.raises(NotFound):
            await list_recorded_shares(pool, stranger, opened.hand_over, limit=9)
    assert len(await recorded(scene, opened, scene.town)) == 2
    assert set(await recorded(scene, opened, ROADS)) == {road}


async def test_over_http_a_repeated_click_hands_over_and_accepts_once(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    outgoing, incoming = Client(http, issuer, scene.cadre), Client(http, issuer, INCOMING)
    shares = [await claimed(scene) for _ in range(3)]
    path, body = f"/desks/{VILLAGE}/hand-over", {"notes": [{"share": str(shares[0]), "note": "钥匙在会计处"}]}
    twice = {"notes": body["notes"] * 2}
    assert (await outgoing.post(path, twice)).status_code == 422
    assert (await outgoing.post("/desks/village/hand-over", {})).status_code == 422
    first, again = [await outgoing.post(path, body, key="one") for _ in range(2)]
    assert (first.status_code, first.json()["shares_open"], again.text) == (201, 3, first.text), first.text
    hand_over = f"/hand-overs/{first.json()['hand_over']}"
    assert (await incoming.post(f"{hand_over}/accept")).status_code == 428
    shown = await incoming.get(hand_over)
    assert (shown.headers["ETag"], shown.json()["state"]) == ('"1"', "open")
    told, replayed = [await incoming.post(f"{hand_over}/accept", version=1, key="two") for _ in range(2)]
    assert (told.status_code, told.json()["type"], told.headers["ETag"]) == (200, "desk.transferred.v1", '"2"')
    assert (replayed.text, replayed.headers["Idempotency-Replayed"]) == (told.text, "true")
    rows = await everything(incoming, f"{hand_over}/shares")
    assert [row["share"] for row in rows] == sorted(str(share) for share in shares)
    assert [row["note"] for row in rows if row["note"]] == ["钥匙在会计处"]
    for _ in range(2):
        await outgoing.post(path, {})
    assert len(await everything(incoming, "/hand-overs")) == 3
