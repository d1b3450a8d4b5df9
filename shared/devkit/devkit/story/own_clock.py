"""Own limits, own clocks: one waits for the department, one changes the limit with its reason; the claim is printed."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from devkit.story import papers
from devkit.story.answers import FeedOpened, Share, Today
from devkit.story.client import Answered, Person, StoryError, together
from devkit.story.fengshan import FENGSHAN, WATER, villages
from devkit.story.narrator import Advance
from devkit.story.telling import Telling
from qingdan.divisions import DivisionCode
from qingdan.tasks_events import ShareLimitChanged, SharePaused, TaskPublished

NOTE: Final = "等水务局安排挖掘机。"
LONGER: Final = {"limit_working_days": 15, "reason": "连日降雨，沟渠积水未退，改期施工。"}


async def keep_own_clock(telling: Telling, task: TaskPublished) -> None:
    """The others report done; the printed claim, the calendar and the list lie in `var/` afterwards."""
    waits, later = villages()[-1], villages()[-2]
    await _wait_and_change(telling, task, waits, later)
    done = [each.share for each in task.shares if each.village not in (waits, later)]
    await _report_done(telling, done)
    await _hand_out(telling, _share(task, later), later)
    await _show_desk(telling, waits)


def _share(task: TaskPublished, village: DivisionCode) -> UUID:
    return next(each.share for each in task.shares if each.village == village)


async def _wait_and_change(telling: Telling, task: TaskPublished, waits: DivisionCode, later: DivisionCode) -> None:
    ledger = telling.ledger
    with telling.narrator.step("等部门、改时限", "wait, and change a limit", 2) as advance:
        cadre, share = telling.people.cadre(waits), _share(task, waits)
        stop = {"waiting_for": "department", "note": NOTE}
        paused = (await _change(cadre, share, "pause", stop)).read(SharePaused)
        ledger.waiting[paused.share] = "department"
        advance()
        cadre, share = telling.people.cadre(later), _share(task, later)
        changed = (await _change(cadre, share, "limit", LONGER)).read(ShareLimitChanged)
        ledger.limits[changed.share] = changed.limit_working_days
        advance()
    telling.narrator.say(
        f"{telling.name_zh(waits)}等水务局，计时暂停，等的日子不算村里的；{telling.name_zh(later)}改时限为"
        f"{changed.limit_working_days}个工作日（{changed.due_on}到期），理由留痕可查。",
        f"One village waits for the water bureau ({WATER}): its clock stands still, these days are not the village's. "
        f"Another one changed its own limit to {changed.limit_working_days} working days, due {changed.due_on}; the "
        "history keeps the reason.",
    )


async def _report_done(telling: Telling, shares: Sequence[UUID]) -> None:
    """This item asks for no visit: done is complete."""
    staff = telling.people.town_staff(FENGSHAN)
    village_of = {share.share: share.village for share in await staff.pages("tasks", "/v1/shares", Share)}

    async def report(share: UUID, advance: Advance) -> None:
        await _change(telling.people.cadre(village_of[share]), share, "report-done", {})
        telling.ledger.shares[share] = "completed"
        advance()

    with telling.narrator.step("报告完成", "report done", len(shares)) as advance:
        await together(report(share, advance) for share in shares)


async def _hand_out(telling: Telling, share: UUID, village: DivisionCode) -> None:
    """The claim on one page, the calendar for a phone, the list for a desk."""
    cadre = telling.people.cadre(village)
    with telling.narrator.step("打印认领记录、日历、清单", "claim, calendar, list", 3) as advance:
        claim = papers.keep(papers.CLAIM, await cadre.read("tasks", f"/v1/shares/{share}/record"))
        advance()
        feed = (await cadre.create("tasks", "/v1/calendar-feeds", {})).read(FeedOpened)
        calendar = papers.keep(papers.CALENDAR, await cadre.read("tasks", feed.path))
        advance()
        whole = papers.keep(papers.LIST, await cadre.read("tasks", "/v1/list/export", format="xlsx"))
        advance()
    for path, begins in ((claim, b"<!DOCTYPE html>"), (calendar, b"BEGIN:VCALENDAR"), (whole, b"PK")):
        if not path.read_bytes().startswith(begins):
            raise StoryError(f"{path} is not what it should be", service="tasks")
    telling.narrator.say(
        f"可打开：var/{claim.name}（认领记录）、var/{calendar.name}（手机日历）、var/{whole.name}（现行清单）。",
        f"To be opened: var/{claim.name}, var/{calendar.name}, var/{whole.name}.",
    )


async def _show_desk(telling: Telling, village: DivisionCode) -> None:
    """Today's desk of one village, as its secretary sees it."""
    desk = await telling.people.cadre(village).get("tasks", "/v1/today", Today)
    rows = [
        (zh, en, str(part.count), "、".join(share.title_zh for share in part.shares) or "–")
        for zh, en, part in (
            ("逾期", "overdue", desk.overdue),
            ("今日到期", "due today", desk.due_today),
            ("即将到期", "due soon", desk.due_soon),
            ("以后到期", "later", desk.later),
            ("等别人", "waiting for others", desk.waiting),
            ("新到", "new", desk.new),
        )
    ]
    name = telling.name_zh(village)
    telling.narrator.table(f"{name}今日清单 Today's desk of {name}", ("", "", "", ""), rows)


async def _change(cadre: Person, share: UUID, what: str, body: Mapping[str, object]) -> Answered:
    """As it was when last read."""
    seen = await cadre.get("tasks", f"/v1/shares/{share}", Share)
    return await cadre.change("tasks", f"/v1/shares/{share}/{what}", seen.version, body)
