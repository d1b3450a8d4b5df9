"""Today's desk: what is overdue, due, waiting and new, in one's own scope only; and as a calendar reads it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import httpx2
import pytest
from icalendar import Calendar

from devkit.browser import Client, application
from devkit.issuer import Issuer
from qingdan.ids import ShareId
from runtime.actor import Actor
from runtime.db import Version, transaction
from runtime.problems import Forbidden
from tasks.app import service
from tasks.claim_task import claim_task
from tasks.list_shares import list_shares
from tasks.open_feed import open_feed
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tasks.show_today import PER_PART_MAX, show_today
from tests.integration.tasks.conftest import NEIGHBOUR, ROAD, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene


async def due_in(scene: "Scene", days: int, share: ShareId) -> ShareId:
    """A claimed share that is due so many days from today."""
    await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(1))
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE share SET due_on = $2 WHERE id = $1", share, scene.today + timedelta(days=days))
    return share


async def parts(scene: "Scene", actor: Actor) -> dict[str, list[UUID]]:
    desk = await show_today(scene.pool, actor)
    listed = {
        name: [row.share for row in getattr(desk, name).shares] for name in type(desk).model_fields if name != "on"
    }
    assert {name: getattr(desk, name).count for name in listed} == {name: len(rows) for name, rows in listed.items()}
    return listed


async def test_every_open_share_lies_in_one_part_the_most_urgent_first(scene: "Scene") -> None:
    late, later_still = [await due_in(scene, days, await scene.share()) for days in (-1, -9)]
    now, soon, far = [await due_in(scene, days, await scene.share()) for days in (0, 1, 60)]
    waiting = await due_in(scene, 3, await scene.share(ROAD))
    await report_done(scene.pool, scene.cadre, waiting, [], expected=Version(2))
    new, refused, done = [await scene.share() for _ in range(3)]
    await refuse_share(scene.pool, scene.cadre, refused, "no_means", "", expected=Version(1))
    await due_in(scene, 3, done)
    await report_done(scene.pool, scene.cadre, done, [], expected=Version(2))
    assert await parts(scene, scene.cadre) == {
        "overdue": [later_still, late],
        "due_today": [now],
        "due_soon": [soon],
        "later": [far],
        "waiting": [waiting],
        "new": [new],
    }


async def test_the_list_of_shares_knows_the_same_parts(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    for days in (-9, -1, 0, 1, 60):
        await due_in(scene, days, await scene.share())
    waits = await due_in(scene, 3, await scene.share(ROAD))
    await report_done(scene.pool, scene.cadre, waits, [], expected=Version(2))
    await scene.share()
    (theirs,) = (await scene.publish(VISITS, [NEIGHBOUR])).shares
    for actor in (scene.cadre, scene.town, scene.neighbour, scene.other_town):
        desk = await parts(scene, actor)
        client = Client(http, issuer, actor)
        pages = {name: (await client.get("/shares", desk=name)).json()["items"] for name in desk}
        listed = {name: [UUID(row["share"]) for row in page] for name, page in pages.items()}
        assert listed == {name: sorted(shares) for name, shares in desk.items()}
        assert (theirs.share in listed["new"]) is (actor not in (scene.cadre, scene.other_town))
    first, second = await list_shares(scene.pool, scene.town, desk="new", limit=9)
    assert await list_shares(scene.pool, scene.town, desk="new", after=first.position, limit=9) == [second]
    assert await list_shares(scene.pool, scene.town, desk="new", village=VILLAGE, state="claimed", limit=9) == []
    refused = await Client(http, issuer, scene.cadre).get("/shares", desk="late")
    assert (refused.status_code, "desk" in str(refused.json()["errors"])) == (422, True)


async def test_what_waits_for_others_is_overdue_only_if_it_was_so_before(scene: "Scene") -> None:
    waits, was_late = [await due_in(scene, days, await scene.share()) for days in (-1, -9)]
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE share SET waiting_for = 'department', paused_on = $1", scene.today - timedelta(days=5))
    listed = await parts(scene, scene.cadre)
    assert (listed["waiting"], listed["overdue"]) == ([waits], [was_late])


async def test_a_desk_is_ones_own(scene: "Scene") -> None:
    mine = await scene.share()
    (theirs,) = (await scene.publish(VISITS, [NEIGHBOUR])).shares
    assert (await parts(scene, scene.cadre))["new"] == [mine]
    assert (await parts(scene, scene.neighbour))["new"] == [theirs.share]
    assert set((await parts(scene, scene.town))["new"]) == {mine, theirs.share}
    assert (await parts(scene, scene.other_town))["new"] == []


async def test_a_long_part_is_counted_whole_and_shown_in_part(scene: "Scene") -> None:
    for _ in range(3):
        await scene.publish(VISITS, "all")
    desk = await show_today(scene.pool, scene.town)
    assert (desk.new.count, len(desk.new.shares)) == (63, PER_PART_MAX)


# -- the calendar -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database, without a socket."""
    async with application(service, scene.pool, issuer) as client:
        yield client


async def test_a_phones_calendar_reads_the_due_dates_without_a_token(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    due = await due_in(scene, 4, await scene.share())
    await scene.share()  # not claimed: nothing is due
    (theirs,) = (await scene.publish(VISITS, [NEIGHBOUR])).shares
    await claim_task(scene.pool, scene.neighbour, theirs.share, 5, expected=Version(1))
    opened = await Client(http, issuer, scene.cadre).post("/calendar-feeds")
    assert opened.status_code == 201, opened.text
    answer = await http.get(opened.json()["path"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    (event,) = Calendar.from_ical(answer.content).events
    assert event["UID"] == f"{due}@tasks.qingdan"
    assert (event.start, str(event["SUMMARY"])) == (scene.today + timedelta(days=4), "独居老人入户巡访")


async def test_only_the_hash_of_an_address_is_kept(scene: "Scene") -> None:
    opened = await open_feed(scene.pool, scene.cadre)
    secret = opened.path.rpartition("/")[2].removesuffix(".ics")
    assert len(secret) >= 43  # 256 bits
    kept = await scene.rows("SELECT f::text AS words FROM calendar_feed f")
    noted = await scene.rows("SELECT after FROM audit_entry WHERE action = 'feed.opened'")
    assert len(kept) == len(noted) == 1
    assert secret not in kept[0]["words"] + noted[0]["after"]


async def test_an_address_that_was_replaced_closed_guessed_or_outlived_shows_nothing(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    cadre = Client(http, issuer, scene.cadre)
    first, second = [(await cadre.post("/calendar-feeds")).json()["path"] for _ in range(2)]
    assert [(await http.get(path)).status_code for path in (first, second)] == [404, 200]
    assert (await http.get("/v1/calendar-feeds/guessed.ics")).status_code == 404
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE calendar_feed SET opened_on = opened_on - 400, valid_to = valid_to - 367")
    assert (await http.get(second)).status_code == 404
    third = (await cadre.post("/calendar-feeds")).json()["path"]
    assert (await http.get(third)).status_code == 200
    closed = [(await cadre.post("/calendar-feeds/close")).json()["closed"] for _ in range(2)]
    assert closed == [True, False]
    assert (await http.get(third)).status_code == 404


async def test_a_feed_belongs_to_a_villages_cadre(scene: "Scene") -> None:
    with pytest.raises(Forbidden):
        await open_feed(scene.pool, scene.town)
