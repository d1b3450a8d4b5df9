"""Extensions in the database: asked for by villages, decided by others or by silence, and what is judged then."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from qingdan.ids import ShareId
from qingdan.tasks_events import ShareCompleted
from runtime.actor import Actor, Role
from runtime.db import Version, transaction
from runtime.problems import Forbidden, NotFound, StaleVersion
from runtime.workdays import Calendar
from tasks.app import service
from tasks.ask_extension import ExtensionOpened, ask_extension
from tasks.change_limit import change_limit
from tasks.claim_rules import BeyondStatutoryDate
from tasks.claim_task import claim_task
from tasks.decide_extension import decide_extension
from tasks.extension_rules import ExtensionClosed, ExtensionId, ExtensionOpen, VillagesAsk
from tasks.grant_silent_extensions import grant_silent_extensions
from tasks.list_extensions import list_extensions
from tasks.pause_share import pause_share
from tasks.report_done import report_done
from tasks.resume_share import resume_share
from tasks.share_rules import ShareAlreadyDone
from tasks.show_extension import show_extension
from tasks.show_today import show_today
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import COUNTY, NEIGHBOUR, ROAD, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

CALENDAR = Calendar()
ROADS, WELFARE = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("JTJ", "MZJ"))


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application(service, scene.pool, issuer) as client:
        yield client


async def claimed(scene: "Scene", *, days_late: int = 0, road: bool = False) -> ShareId:
    """Claimed for five working days; days_late: since when the date has passed."""
    share = await scene.share(ROAD if road else VISITS)
    await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(1))
    if days_late:
        async with transaction(scene.pool, scene.service) as tx:
            claimed_on = scene.today - timedelta(days=days_late + 7)
            await tx.execute(
                "UPDATE share SET claimed_on = $2, due_on = $3 WHERE id = $1",
                *(share, claimed_on, CALENDAR.add_working_days(claimed_on, 5).on),
            )
    return share


async def asked(scene: "Scene", share: ShareId, limit: int = 30) -> ExtensionOpened:
    version = Version((await scene.look(share)).version)
    return await ask_extension(scene.pool, scene.cadre, share, limit, "连续降雨", expected=version)


async def over(scene: "Scene", *extensions: ExtensionId) -> None:
    """As if they had been asked for ten days ago."""
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "UPDATE share_extension SET asked_on = asked_on - 10, decide_by = decide_by - 10"
            " WHERE id = ANY($1::uuid[])",
            list(extensions),
        )


async def grant(
    scene: "Scene", extension: ExtensionId, *, granted: bool = True, by: Actor | None = None, version: int = 1
) -> None:
    await decide_extension(
        scene.pool, by or scene.town, extension, granted, "同意，天气原因", expected=Version(version)
    )


async def row_of(scene: "Scene", share: ShareId) -> dict[str, Any]:
    (row,) = await scene.rows("SELECT * FROM share WHERE id = $1", share)
    return row


async def test_what_is_asked_is_kept_told_and_changes_no_date(scene: "Scene") -> None:
    share = await claimed(scene)
    before = await scene.look(share)
    opened = await asked(scene, share)
    after = await scene.look(share)
    assert (after.due_on, after.limit_working_days, after.version) == (before.due_on, 5, before.version + 1)
    assert CALENDAR.working_days_between(scene.today, opened.decide_by) == 3
    (told,) = await scene.told("extension.asked.v1")
    assert (told["share"], told["limit_working_days"], told["decide_by"]) == (str(share), 30, str(opened.decide_by))
    view = await show_extension(scene.pool, scene.town, opened.extension)
    assert (view.state, view.reason, view.due_before, view.due_asked) == (
        *("open", "连续降雨", before.due_on),
        CALENDAR.add_working_days(scene.today, 30).on,
    )
    assert "降雨" not in str(await scene.told())


@pytest.mark.parametrize("days_late", [0, 14])
async def test_what_is_granted_moves_the_date_and_what_on_time_is_judged_by(scene: "Scene", days_late: int) -> None:
    share = await claimed(scene, days_late=days_late)
    was = await scene.look(share)
    if days_late:  # what a village changes too late makes nothing late be on time: an extension does
        await change_limit(scene.pool, scene.cadre, share, 60, "late", expected=Version(2))
        assert (await row_of(scene, share))["judged_due_on"] == was.due_on
    opened = await asked(scene, share)
    await grant(scene, opened.extension)
    row = await row_of(scene, share)
    assert (row["limit_working_days"], row["due_on"], row["judged_due_on"]) == (30, opened.due_asked, None)
    kept = (await scene.rows("SELECT * FROM share_limit ORDER BY seq"))[-1]
    assert (kept["code"], kept["in_time"], kept["limit_after"], kept["reason"], kept["changed_by"]) == (
        *("extension", True, 30, "连续降雨", scene.town.subject),
    )
    told = await scene.told("extension.decided.v1", "share.limit-changed.v1")
    assert [body["type"] for body in told][-2:] == ["extension.decided.v1", "share.limit-changed.v1"]
    assert (told[-2]["granted"], told[-1]["code"], told[-1]["due_on"]) == (True, "extension", str(opened.due_asked))
    done = await report_done(scene.pool, scene.cadre, share, (), expected=Version(row["version"]))
    assert isinstance(done, ShareCompleted)
    assert done.on_time


async def test_what_is_refused_keeps_its_date_and_the_reason_and_may_be_asked_again(scene: "Scene") -> None:
    share = await claimed(scene, days_late=14)
    before = await row_of(scene, share)
    opened = await asked(scene, share)
    await grant(scene, opened.extension, granted=False, by=WELFARE)
    after = await row_of(scene, share)
    assert (after["due_on"], after["limit_working_days"]) == (before["due_on"], 5)
    view = await show_extension(scene.pool, scene.cadre, opened.extension)
    assert (view.state, view.decision_reason, view.version) == ("refused", "同意，天气原因", 2)
    assert await scene.told("share.limit-changed.v1") == []
    done = await asked(scene, share, 40)
    assert done.extension != opened.extension


async def test_silence_is_consent_after_the_last_day_and_not_before(scene: "Scene") -> None:
    shares = [await claimed(scene) for _ in range(3)]
    first, second, third = [(await asked(scene, share)).extension for share in shares]
    await grant_silent_extensions(scene.pool, scene.service)
    assert await scene.told("extension.decided.v1") == []
    await over(scene, first, second)
    await asyncio.gather(*(grant_silent_extensions(scene.pool, scene.service) for _ in range(2)))
    told = await scene.told("extension.decided.v1", "share.limit-changed.v1")
    assert sorted(body["type"] for body in told) == ["extension.decided.v1"] * 2 + ["share.limit-changed.v1"] * 2
    states = [(await show_extension(scene.pool, scene.cadre, each)).state for each in (first, second, third)]
    assert states == ["granted", "granted", "open"]
    (kept,) = await scene.rows("SELECT decided_by FROM share_extension WHERE id = $1", first)
    assert kept["decided_by"] == scene.service.subject


async def test_it_is_decided_once_and_never_by_the_village_or_strangers(scene: "Scene") -> None:
    share = await claimed(scene)
    opened = await asked(scene, share)
    with pytest.raises(Forbidden):
        await grant(scene, opened.extension, by=scene.cadre)
    both = Actor("both", frozenset({Role.VILLAGE_CADRE, Role.TOWN_STAFF}), VILLAGE)
    with pytest.raises(VillagesAsk):
        await grant(scene, opened.extension, by=both)
    for stranger in (ROADS, scene.other_town, person(Role.TOWN_STAFF, NEIGHBOUR)):
        with pytest.raises(NotFound):
            await grant(scene, opened.extension, by=stranger)
    with pytest.raises(StaleVersion):
        await grant(scene, opened.extension, version=2)
    await grant(scene, opened.extension, by=WELFARE)
    with pytest.raises(ExtensionClosed):
        await grant(scene, opened.extension, version=2)
    assert len(await scene.told("extension.decided.v1")) == 1


async def test_one_waits_at_a_time_by_the_villages_cadre_within_the_law(scene: "Scene") -> None:
    share = await claimed(scene)
    with pytest.raises(Forbidden):
        await ask_extension(scene.pool, scene.town, share, 30, "we say so", expected=Version(2))
    with pytest.raises(NotFound):
        await ask_extension(scene.pool, scene.neighbour, share, 30, "ours", expected=Version(2))
    with pytest.raises(StaleVersion):
        await ask_extension(scene.pool, scene.cadre, share, 30, "old page", expected=Version(1))
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE share SET latest_on = $2 WHERE id = $1", share, scene.today + timedelta(days=28))
    with pytest.raises(BeyondStatutoryDate):
        await asked(scene, share, 100)
    await asked(scene, share, 10)
    with pytest.raises(ExtensionOpen):
        await asked(scene, share, 11)
    assert len(await scene.told("extension.asked.v1")) == 1


async def test_of_many_clicks_at_once_one_asks(scene: "Scene") -> None:
    share = await claimed(scene)
    answers = await asyncio.gather(
        *(ask_extension(scene.pool, scene.cadre, share, 30, "rain", expected=Version(2)) for _ in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, ExtensionOpened) for answer in answers) == 1
    assert sum(isinstance(answer, StaleVersion) for answer in answers) == 7


@pytest.mark.parametrize("road", [False, True])
async def test_what_was_reported_as_done_meanwhile_is_judged_by_what_is_granted(scene: "Scene", road: bool) -> None:
    share = await claimed(scene, days_late=14, road=road)
    opened = await asked(scene, share)
    await report_done(scene.pool, scene.cadre, share, (), expected=Version(3))
    with pytest.raises(ShareAlreadyDone):
        await asked(scene, share)
    await grant(scene, opened.extension)
    row = await row_of(scene, share)
    assert (row["state"], row["due_on"]) == ("reported_done" if road else "completed", opened.due_asked)
    assert row["reported_on"] <= row["due_on"]
    if road:
        await scene.close_visit(share)
        (told,) = await scene.told("share.completed.v1")
        assert told["on_time"]


async def test_a_clock_that_stands_still_meanwhile_is_added_to_what_is_granted(scene: "Scene") -> None:
    share = await claimed(scene, days_late=14)
    opened = await asked(scene, share)
    await pause_share(scene.pool, scene.cadre, share, "department", "", expected=Version(3))
    async with transaction(scene.pool, scene.service) as tx:
        since = scene.today - timedelta(days=7)
        await tx.execute("UPDATE share SET paused_on = $2 WHERE id = $1", share, since)
        await tx.execute("UPDATE share_pause SET paused_on = $2 WHERE share_id = $1", share, since)
    await grant(scene, opened.extension)
    assert (await row_of(scene, share))["waiting_for"] == "department"
    resumed = await resume_share(scene.pool, scene.cadre, share, "", expected=Version(5))
    stood = resumed.paused_working_days
    assert stood > 0
    assert resumed.due_on == CALENDAR.add_working_days(opened.due_asked, stood).on
    assert (await row_of(scene, share))["judged_due_on"] is None


async def test_a_later_limit_of_the_villages_own_set_in_time_stands(scene: "Scene") -> None:
    share = await claimed(scene)
    opened = await asked(scene, share)
    own = await change_limit(scene.pool, scene.cadre, share, 40, "more rain", expected=Version(3))
    await grant(scene, opened.extension)
    row = await row_of(scene, share)
    assert (row["due_on"], row["limit_working_days"], row["version"]) == (own.due_on, 40, 4)
    assert [body["code"] for body in await scene.told("share.limit-changed.v1")] == ["own"]


async def test_the_list_begins_with_what_is_to_be_decided_first_and_is_ones_own(scene: "Scene") -> None:
    pool = scene.pool
    older, newer = [(await asked(scene, await claimed(scene))).extension for _ in range(2)]
    await over(scene, newer)
    (theirs,) = (await scene.publish(VISITS, [NEIGHBOUR])).shares
    await claim_task(pool, scene.neighbour, theirs.share, 5, expected=Version(1))
    neighbours = await ask_extension(pool, scene.neighbour, theirs.share, 30, "ours", expected=Version(2))

    async def seen(actor: Actor) -> list[ExtensionId]:
        return [view.extension for view in await list_extensions(pool, actor, state="open", limit=9)]

    assert await seen(scene.cadre) == [newer, older]
    assert await seen(scene.neighbour) == [neighbours.extension]
    assert await seen(scene.town) == await seen(WELFARE) == await seen(scene.county)
    assert (await seen(scene.town))[0] == newer
    assert set(await seen(scene.town)) == {newer, older, neighbours.extension}
    assert await seen(scene.other_town) == await seen(ROADS) == []
    with pytest.raises(NotFound):
        await show_extension(pool, scene.neighbour, older)
    await grant(scene, older)
    assert [view.extension for view in await list_extensions(pool, scene.cadre, state="granted", limit=9)] == [older]
    assert len(await list_extensions(pool, scene.cadre, share=theirs.share, limit=9)) == 0


async def test_today_says_until_when_an_extension_is_decided(scene: "Scene") -> None:
    late, other = await claimed(scene, days_late=14), await claimed(scene, days_late=14)
    opened = await asked(scene, late)
    desk = await show_today(scene.pool, scene.cadre)
    waits = {row.share: row.extension_decide_by for row in desk.overdue.shares}
    assert waits == {late: opened.decide_by, other: None}
    await grant(scene, opened.extension)
    desk = await show_today(scene.pool, scene.cadre)
    assert [row.share for row in desk.overdue.shares] == [other]
    assert [row.extension_decide_by for row in (*desk.later.shares, *desk.due_soon.shares)] == [None]


async def test_over_http_a_repeated_click_asks_and_decides_once(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    cadre, town = Client(http, issuer, scene.cadre), Client(http, issuer, scene.town)
    share = await claimed(scene)
    path, body = f"/shares/{share}/extension", {"limit_working_days": 30, "reason": "连续降雨"}
    assert (await cadre.post(path, body)).status_code == 428
    assert (await cadre.post(path, {**body, "reason": " "}, version=2)).status_code == 422
    assert (await cadre.post(path, {**body, "limit_working_days": 251}, version=2)).status_code == 422
    first, again = [await cadre.post(path, body, version=2, key="one") for _ in range(2)]
    assert (first.status_code, first.headers["ETag"], again.text) == (201, '"3"', first.text), first.text
    assert again.headers["ETag"] == '"3"'
    shown = await town.get(f"/extensions/{first.json()['extension']}")
    assert (shown.headers["ETag"], shown.json()["state"]) == ('"1"', "open")
    decide = f"/extensions/{first.json()['extension']}/decide"
    assert (await cadre.post(decide, {"granted": True, "reason": "ok"}, version=1)).status_code == 403
    assert (await town.post(decide, {"granted": True}, version=1)).status_code == 422
    told, replayed = [
        await town.post(decide, {"granted": True, "reason": "ok"}, version=1, key="two") for _ in range(2)
    ]
    assert (told.status_code, told.json()["type"], told.headers["ETag"]) == (200, "extension.decided.v1", '"2"')
    assert (replayed.text, replayed.headers["Idempotency-Replayed"]) == (told.text, "true")
    for _ in range(3):
        await asked(scene, await claimed(scene))
    items = await everything(town, "/extensions")
    assert len(items) == 4
    assert [item["decide_by"] for item in items] == sorted(item["decide_by"] for item in items)
    assert (await town.get("/extensions", state="lost")).status_code == 422
