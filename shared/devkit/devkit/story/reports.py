"""Villages report: progress on the way, the team plans visits from it, and done when it is done."""

from typing import Any
from uuid import UUID

from devkit.eventually import eventually
from devkit.story.answers import Share
from devkit.story.client import together
from devkit.story.narrator import Advance
from devkit.story.plot import tomorrow
from devkit.story.telling import Telling
from qingdan.divisions import DivisionCode

HEARD_TIMEOUT_S = 60.0


async def report(telling: Telling) -> None:
    """Progress by all villages, visits planned from these reports, then done."""
    telling.narrator.say(
        "各村用手机报告；照片自愿，只留指纹，不作考核依据；督查组据报告选点。",
        "Villages report by phone; photos are optional, only their hashes travel, and they count for nothing in the "
        "ranking. The supervision team chooses from the reports where to go.",
    )
    claimed = len(telling.ledger.claims)
    with telling.narrator.step("报告进展", "report progress", claimed) as advance:
        await together(_report_progress(telling, village, advance) for village in telling.plot.villages)
    await _plan_visits(telling, claimed)
    with telling.narrator.step("报告完成", "report done", claimed) as advance:
        await together(_report_done(telling, village, advance) for village in telling.plot.villages)


async def _report_progress(telling: Telling, village: DivisionCode, advance: Advance) -> None:
    cadre, plot = telling.people.cadre(village), telling.plot
    for share in await cadre.pages("tasks", "/v1/shares", Share, state="claimed"):
        title = share.title_zh or ""
        said = {"percent": plot.percent(village, title), "photo_sha256": plot.photos(village, title, "progress")}
        await cadre.change("tasks", f"/v1/shares/{share.share}/progress", share.version, said)
        advance()


async def _report_done(telling: Telling, village: DivisionCode, advance: Advance) -> None:
    cadre, plot = telling.people.cadre(village), telling.plot
    for share in await cadre.pages("tasks", "/v1/shares", Share, state="claimed"):
        done: dict[str, Any] = {"photo_sha256": plot.photos(village, share.title_zh or "", "done")}
        if works := plot.works(village, share.title_zh or ""):
            done["works"] = dict(works)
            telling.ledger.works.update(works)
        await cadre.change("tasks", f"/v1/shares/{share.share}/report-done", share.version, done)
        advance()


async def _plan_visits(telling: Telling, reported: int) -> None:
    """Where the item asks for no visit, the team goes to see a few; it has first to hear of the reports."""
    plot, supervisor = telling.plot, telling.people.supervisor(telling.plot.town)

    async def heard() -> list[Share]:
        shares = await supervisor.pages("inspection", "/v1/shares", Share, state="claimed")
        known = [share for share in shares if share.percent is not None and share.title_zh is not None]
        return known if len(known) >= reported else []

    shares = await eventually(
        heard, timeout_s=HEARD_TIMEOUT_S, every_s=0.2, what="inspection has heard of every report of progress"
    )
    chosen = [
        share.share
        for share in shares
        if not share.inspect_on_completion and plot.is_visited_from_report(share.village, share.title_zh or "")
    ]

    async def plan(share: UUID, advance: Advance) -> None:
        await supervisor.create("inspection", "/v1/visits", {"share": str(share), "planned_on": str(tomorrow())})
        advance()

    with telling.narrator.step("据报告安排检查", "plan visits", len(chosen)) as advance:
        await together(plan(share, advance) for share in chosen)
