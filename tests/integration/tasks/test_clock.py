"""The clock of a share in the database: pauses, what a visit gives back, and the calendar that comes later."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

import httpx2
import pytest

from devkit.browser import Client, application
from devkit.issuer import Issuer
from qingdan.ids import ShareId
from qingdan.tasks_events import ShareCompleted
from runtime.actor import Role
from runtime.clock import utcnow
from runtime.db import Version, transaction
from runtime.problems import Forbidden, NotFound, StaleVersion
from runtime.workdays import Calendar
from tasks.app import service
from tasks.change_limit import change_limit
from tasks.claim_task import claim_task
from tasks.clock_rules import ClockRuns, ClockStandsStill, NotWaitedFor
from tasks.list_pauses import list_pauses
from tasks.pause_share import pause_share
from tasks.recount_due_dates import recount_due_dates
from tasks.report_all_done import report_all_done
from tasks.report_done import report_done
from tasks.resume_share import resume_share
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import COUNTY, ROAD

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

CALENDAR = Calendar()
ROADS, WELFARE = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("JTJ", "MZJ"))


async def road(scene: "Scene") -> ShareId:
    """A road that the village has claimed for ten working days."""
    share = await scene.share(ROAD)
    await claim_task(scene.pool, scene.cadre, share, 10, expected=Version(1))
    return share


async def waiting(scene: "Scene") -> ShareId:
    """One for which it waits for the department."""
    share = await road(scene)
    await pause_share(scene.pool, scene.cadre, share, "department", "等待拨款", expected=Version(2))
    return share


async def days_ago(scene: "Scene", share: ShareId, days: int) -> None:
    """All that has happened to the share happened so many days earlier."""
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "UPDATE share SET claimed_on = claimed_on - $2::integer, due_on = due_on - $2::integer,"
            " paused_on = paused_on - $2::integer, reported_on = reported_on - $2::integer WHERE id = $1",
            *(share, days),
        )
        await tx.execute("UPDATE share_pause SET paused_on = paused_on - $2::integer WHERE share_id = $1", share, days)


async def test_a_pause_is_kept_told_and_added_to_the_due_date(scene: "Scene") -> None:
    share = await waiting(scene)
    seen = await scene.look(share)
    assert (seen.waiting_for, seen.paused_on, seen.version) == ("department", scene.today, 3)
    await days_ago(scene, share, 21)
    event = await resume_share(scene.pool, scene.cadre, share, "", expected=Version(3))
    stood = CALENDAR.working_days_between(scene.today - timedelta(days=21), scene.today)
    assert event.paused_working_days == stood > 0
    assert event.due_on == CALENDAR.add_working_days(scene.today - timedelta(days=21), 10 + stood).on
    after = await scene.look(share)
    assert (after.waiting_for, after.paused_working_days, after.due_on, after.version) == (None, stood, event.due_on, 4)
    assert [body["type"] for body in await scene.told("share.paused.v1", "share.resumed.v1")] == [
        "share.paused.v1",
        "share.resumed.v1",
    ]
    assert "等待拨款" not in str(await scene.told())
    (kept,) = await list_pauses(scene.pool, scene.town, share)
    assert (kept.waiting_for, kept.note, kept.resumed_on, kept.paused_working_days) == (
        "department",
        "等待拨款",
        scene.today,
        stood,
    )


async def test_pauses_do_not_overlap_and_versions_are_checked(scene: "Scene") -> None:
    share = await waiting(scene)
    with pytest.raises(ClockStandsStill):
        await pause_share(scene.pool, scene.cadre, share, "weather", "", expected=Version(3))
    with pytest.raises(StaleVersion):
        await resume_share(scene.pool, scene.cadre, share, "", expected=Version(2))
    await resume_share(scene.pool, scene.cadre, share, "", expected=Version(3))
    with pytest.raises(ClockRuns):
        await resume_share(scene.pool, scene.cadre, share, "", expected=Version(4))


async def test_the_department_waited_for_and_the_town_may_object_and_nobody_else(scene: "Scene") -> None:
    for actor in (ROADS, scene.town):
        share = await waiting(scene)
        await resume_share(scene.pool, actor, share, "款项上周已拨付", expected=Version(3))
        (kept,) = await list_pauses(scene.pool, scene.cadre, share)
        assert kept.resumed_note == "款项上周已拨付"
        await pause_share(scene.pool, scene.cadre, share, "weather", "", expected=Version(4))
        with pytest.raises(NotWaitedFor):
            await resume_share(scene.pool, actor, share, "", expected=Version(5))
    share = await waiting(scene)
    for actor in (scene.neighbour, WELFARE, scene.other_town):
        with pytest.raises(NotFound):
            await resume_share(scene.pool, actor, share, "", expected=Version(3))
        with pytest.raises(NotFound):
            await list_pauses(scene.pool, actor, share)
    for actor in (scene.town, ROADS):
        with pytest.raises(Forbidden):
            await pause_share(scene.pool, actor, share, "weather", "", expected=Version(3))


@pytest.mark.parametrize("several", [False, True])
async def test_what_is_done_waits_for_nobody_and_its_pause_is_not_its_time(scene: "Scene", several: bool) -> None:
    share = await scene.share()
    await claim_task(scene.pool, scene.cadre, share, 1, expected=Version(1))
    await pause_share(scene.pool, scene.cadre, share, "weather", "", expected=Version(2))
    await days_ago(scene, share, 21)
    if several:
        (done,) = (await report_all_done(scene.pool, scene.cadre, {share: Version(3)}, {share: ()})).done
    else:
        done = await report_done(scene.pool, scene.cadre, share, [], expected=Version(3))
    assert isinstance(done, ShareCompleted)
    assert (done.used_working_days, done.on_time) == (0, True)
    seen = await scene.look(share)
    assert (seen.state, seen.waiting_for, seen.version) == ("completed", None, 4)
    told = [body["type"] for body in await scene.told() if body["type"].startswith("share.")]
    assert told[-3:] == ["share.resumed.v1", "share.reported-done.v1", "share.completed.v1"]


async def test_waiting_for_the_visit_is_not_the_villages_time_when_it_gives_the_share_back(scene: "Scene") -> None:
    share = await road(scene)
    await report_done(scene.pool, scene.cadre, share, [], expected=Version(2))
    assert (await scene.look(share)).waiting_for == "supervision"
    await days_ago(scene, share, 21)
    await scene.close_visit(share, passed=False, findings=1, failed=1)
    stood = CALENDAR.working_days_between(scene.today - timedelta(days=21), scene.today)
    back = await scene.look(share)
    assert (back.state, back.waiting_for, back.paused_working_days, back.version) == ("claimed", None, stood, 4)
    assert back.due_on == CALENDAR.add_working_days(scene.today - timedelta(days=21), 10 + stood).on
    (kept,) = await list_pauses(scene.pool, scene.cadre, share)
    assert (kept.waiting_for, kept.paused_working_days) == ("supervision", stood)
    (told,) = await scene.told("share.resumed.v1")
    assert (told["paused_working_days"], told["due_on"]) == (stood, str(back.due_on))
    done = await report_done(scene.pool, scene.cadre, share, [], expected=Version(4))
    await scene.close_visit(share)
    (completed,) = await scene.told("share.completed.v1")
    assert (done.type, completed["used_working_days"], completed["on_time"]) == ("share.reported-done.v1", 0, True)


async def test_provisional_due_dates_are_reckoned_again_once_the_calendar_is_known(
    scene: "Scene", monkeypatch: pytest.MonkeyPatch
) -> None:
    certain = await road(scene)
    monkeypatch.setattr("tasks.claim_task.utcnow", lambda: utcnow().replace(year=2026, month=12, day=1))
    share = await scene.share()
    claimed = await claim_task(scene.pool, scene.cadre, share, 60, expected=Version(1))
    assert claimed.provisional
    announced = {
        day: day >= date(2027, 2, 15) and day.weekday() < 5  # a long Spring Festival
        for day in (date(2027, 1, 1) + timedelta(days=n) for n in range(365))
    }
    async with transaction(scene.pool, scene.operator) as tx:
        await tx.executemany(
            "INSERT INTO workday_override (on_date, working, source) VALUES ($1, $2, 'announced')",
            list(announced.items()),
        )
    assert await recount_due_dates(scene.pool, scene.service) is False  # noticed, and counted at the next turn
    assert await scene.told("share.limit-changed.v1") == []
    while await recount_due_dates(scene.pool, scene.service):
        pass
    (told,) = await scene.told("share.limit-changed.v1")
    due = Calendar(announced).add_working_days(claimed.claimed_on, 60)
    assert (told["share"], told["code"], told["due_on"]) == (str(share), "calendar", str(due.on))
    assert (told["provisional"], told["limit_working_days"]) == (False, 60)
    seen = await scene.look(share)
    assert (seen.due_on, seen.provisional, seen.version) == (due.on, False, 3)
    assert (await scene.look(certain)).version == 2
    await recount_due_dates(scene.pool, scene.service)
    assert len(await scene.told("share.limit-changed.v1")) == 1


async def test_what_is_judged_by_a_date_that_had_passed_follows_the_calendar_too(
    scene: "Scene", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claimed in December for thirty days, changed in March when those had passed; the calendar comes later still."""
    for module, month, year in (("claim_task", 12, 2026), ("change_limit", 3, 2027)):
        monkeypatch.setattr(
            f"tasks.{module}.utcnow", lambda month=month, year=year: utcnow().replace(year=year, month=month, day=1)
        )
    late, extended = [await scene.share() for _ in range(2)]
    for share in (late, extended):
        claimed = await claim_task(scene.pool, scene.cadre, share, 30, expected=Version(1))
        for version, limit in ((2, 90), (3, 100)):
            await change_limit(scene.pool, scene.cadre, share, limit, "late", expected=Version(version))
    forty = CALENDAR.add_working_days(claimed.claimed_on, 40).on
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(  # as an extension to forty days leaves it
            "INSERT INTO share_limit (share_id, division_id, department, changed_by, changed_on, limit_before,"
            " limit_after, due_before, due_after, in_time, reason, code) SELECT share_id, division_id, department,"
            " 'staff', changed_on, 100, 40, due_after, $2, true, 'rain', 'extension' FROM share_limit"
            " WHERE share_id = $1 ORDER BY seq DESC LIMIT 1",
            *(extended, forty),
        )
        await tx.execute(
            "UPDATE share SET judged_due_on = NULL, limit_working_days = 40, due_on = $2 WHERE id = $1", extended, forty
        )
    await change_limit(scene.pool, scene.cadre, extended, 120, "late again", expected=Version(4))
    before = {row["id"]: row["judged_due_on"] for row in await scene.rows("SELECT id, judged_due_on FROM share")}
    assert before == {late: CALENDAR.add_working_days(claimed.claimed_on, 30).on, extended: forty}
    announced = {
        day: day >= date(2027, 2, 15) and day.weekday() < 5  # a long Spring Festival
        for day in (date(2027, 1, 1) + timedelta(days=n) for n in range(365))
    }
    async with transaction(scene.pool, scene.operator) as tx:
        await tx.executemany(
            "INSERT INTO workday_override (on_date, working, source) VALUES ($1, $2, 'announced')",
            list(announced.items()),
        )
    await recount_due_dates(scene.pool, scene.service)
    while await recount_due_dates(scene.pool, scene.service):
        pass
    after = {row["id"]: row["judged_due_on"] for row in await scene.rows("SELECT id, judged_due_on FROM share")}
    known = Calendar(announced)
    assert after == {
        late: known.add_working_days(claimed.claimed_on, 30).on,
        extended: known.add_working_days(claimed.claimed_on, 40).on,
    }
    assert before[late] < after[late]
    assert (await scene.look(late)).due_on == known.add_working_days(claimed.claimed_on, 100).on


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application(service, scene.pool, issuer) as client:
        yield client


async def test_over_http_a_repeated_click_pauses_and_resumes_once(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    cadre, path = Client(http, issuer, scene.cadre), f"/shares/{await road(scene)}"
    body = {"waiting_for": "weather"}
    first, again = [await cadre.post(f"{path}/pause", body, version=2, key="one") for _ in range(2)]
    assert (first.status_code, first.json()["waiting_for"], first.headers["ETag"]) == (200, "weather", '"3"')
    assert (again.text, again.headers["Idempotency-Replayed"]) == (first.text, "true")
    assert (await cadre.post(f"{path}/pause", {"waiting_for": "me"}, version=3)).status_code == 422
    assert (await cadre.post(f"{path}/resume", {})).status_code == 428
    told, replayed = [await cadre.post(f"{path}/resume", {}, version=3, key="two") for _ in range(2)]
    assert (told.status_code, told.headers["ETag"], replayed.text) == (200, '"4"', told.text)
    assert [pause["waiting_for"] for pause in (await cadre.get(f"{path}/pauses")).json()] == ["weather"]
