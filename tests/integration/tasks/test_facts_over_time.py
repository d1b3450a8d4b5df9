"""Whatever villages do over months, the public events alone give the facts that the service reads from its rows."""

import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from qingdan.assessment import Facts
from qingdan.assessment_from_events import facts_from_events
from qingdan.divisions import DivisionLevel
from qingdan.ids import AssessmentId, ShareId
from qingdan.tasks_events import TaskPublished
from runtime.db import Version, transaction
from runtime.ids import new_id
from runtime.problems import Refusal
from tasks import assessment_store
from tasks.ask_extension import ask_extension
from tasks.assessment_rules import Header
from tasks.change_limit import change_limit
from tasks.claim_task import claim_task
from tasks.decide_extension import decide_extension
from tasks.pause_share import pause_share
from tasks.publish_task import Terms, publish_task
from tasks.recount_due_dates import recount_due_dates
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tasks.report_progress import report_progress
from tasks.resume_share import resume_share
from tasks.withdraw_taken_shares import withdraw_taken_shares
from tests.integration.tasks.conftest import NEIGHBOUR, ROAD, TOWN, VILLAGE, VISITS
from tests.integration.tasks.test_assessment_from_events import VILLAGES, Heard

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

FIRST = date(2026, 3, 2)
STEPS, SHARES = 40, 6


@dataclass(slots=True)
class Months:
    """A village's months: on each day a share or two move on, as chance has it; what is refused changes nothing."""

    scene: "Scene"
    heard: Heard
    patch: pytest.MonkeyPatch
    chance: random.Random
    today: date = FIRST

    def pass_days(self, days: int) -> None:
        self.today += timedelta(days=days)
        noon = datetime.combine(self.today, time(4), UTC)
        for name, module in list(sys.modules.items()):
            if name.startswith("tasks.") and hasattr(module, "utcnow"):
                self.patch.setattr(module, "utcnow", lambda: noon)

    async def do(self, what: str, share: ShareId, days: int | None = None) -> None:
        """One command; what it needs a number for gets `days`, or one by chance."""
        scene, pool, cadre = self.scene, self.scene.pool, self.scene.cadre
        (row,) = await scene.rows("SELECT version, state FROM share WHERE id = $1", share)
        at = Version(row["version"])
        match what:
            case "claim":
                await claim_task(pool, cadre, share, days or self.chance.choice((1, 2, 4, 8, 16, 25)), expected=at)
            case "refuse":
                await refuse_share(pool, cadre, share, "no_means", "", expected=at)
            case "limit":
                await change_limit(pool, cadre, share, days or self.chance.randint(1, 60), "雨季", expected=at)
            case "pause":
                await pause_share(pool, cadre, share, "weather", "", expected=at)
            case "resume":
                await resume_share(pool, cadre, share, "", expected=at)
            case "progress":
                await report_progress(pool, cadre, share, 50, note="照片", photo_sha256=["0" * 64], expected=at)
            case "report":
                await report_done(pool, cadre, share, [], expected=at)
            case "ask":
                await ask_extension(pool, cadre, share, days or self.chance.randint(10, 90), "连续降雨", expected=at)
            case "grant":
                await self.decide_extensions(share, granted=days is not None or self.chance.random() < 0.8)
            case "pass" if row["state"] == "reported_done":
                await self.visit(share, passed=True)
            case "give back" if row["state"] == "reported_done":
                await self.visit(share, passed=False)
            case "recount":
                while await recount_due_dates(pool, scene.service):
                    pass

    async def decide_extensions(self, share: ShareId, *, granted: bool) -> None:
        for each in await self.scene.rows(
            "SELECT id FROM share_extension WHERE share_id = $1 AND state = 'open'", share
        ):
            await decide_extension(self.scene.pool, self.scene.town, each["id"], granted, "同意", expected=Version(1))

    async def announce(self, year: int) -> None:
        """A year's working days become known, with a long Spring Festival."""
        days = (date(year, 1, 1) + timedelta(days=n) for n in range(365))
        announced = [(day, day >= date(year, 2, 15) and day.weekday() < 5) for day in days]
        async with transaction(self.scene.pool, self.scene.operator) as tx:
            await tx.executemany(
                "INSERT INTO workday_override (on_date, working, source) VALUES ($1, $2, 'announced')", announced
            )

    async def compare(self, ahead: Iterable[int], ended: Iterable[int] = ()) -> int:
        """Rows and events agree today and so many days from now, if nothing more happens; return what was finished.

        For a period up to today, up to that day, and for such as ended so many days before today.
        """
        await self.heard.catch_up()
        finished = 0
        for days in ahead:
            then = self.today + timedelta(days=days)
            for until in {self.today, then, *(max(FIRST, self.today - timedelta(days=ago)) for ago in ended)}:
                header = Header(AssessmentId(new_id()), DivisionLevel.VILLAGE, FIRST, until, then)
                facts = await facts_of(self.scene, header)
                finished += facts[VILLAGE].total.finished
                assert facts == facts_from_events(
                    self.heard.events, VILLAGES, period_from=FIRST, period_to=until, assessed_on=then
                ), (self.today, days, until)
        return finished

    async def visit(self, share: ShareId, *, passed: bool) -> None:
        found = self.chance.randint(0, 4)
        failed = self.chance.randint(0, found)
        event = await self.scene.visit_closed(share, passed=passed, findings=found, failed=failed)
        event = event.model_copy(update={"closed_on": self.today})
        await self.heard.catch_up()
        self.heard.events.append(event)
        await self.scene.hear(event)


WHAT = ("claim", "claim", "refuse", "limit", "limit", "pause", "resume", "progress", "report", "ask", "grant")
WHAT += ("pass", "give back")


async def facts_of(scene: "Scene", header: Header) -> dict[str, Facts]:
    async with transaction(scene.pool, scene.service) as tx:
        town = (await tx.fetchrow("SELECT id FROM division WHERE code = $1", TOWN))["id"]  # type: ignore[index]
        assessed, _ = await assessment_store.facts_of(tx, town, header)
    return {each.code: each.facts for each in assessed}


@pytest.mark.parametrize("seed", range(2))
async def test_events_and_rows_give_the_same_facts_on_every_day(
    scene: "Scene", monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Each look is at what had been told by that day, and at how it would count if nothing happened any more."""
    heard, counted = Heard(scene), 0
    months = Months(scene, heard, monkeypatch, random.Random(seed))
    shares = [await scene.share(ROAD if at % 2 else VISITS) for at in range(SHARES)]
    months.pass_days(0)
    for step in range(STEPS):
        for _ in range(3):
            try:
                await months.do(months.chance.choice(WHAT), months.chance.choice(shares))
            except Refusal:
                continue
        months.pass_days(months.chance.choice((0, 1, 1, 2, 5)))
        if step % 6:
            continue
        counted += await months.compare((0, 3, 20, 200))
    assert counted > 0


STORIES = {
    "late, changed, then its clock stood still": "claim 3; days 10; limit 30; pause; days 9; resume",
    "late, changed twice": "claim 3; days 10; limit 20; days 3; limit 40; days 20",
    "late, changed, then more time was granted": "claim 3; days 10; limit 20; ask 40; grant 1; days 5; report",
    "more time was granted when it was done": "claim 3; days 10; ask 40; report; days 2; grant 1",
    "late when its clock stopped": "claim 3; days 10; pause; days 20; resume; days 5; report",
    "changed while its clock stood still, in time": "claim 8; pause; days 20; limit 30; days 3; resume; days 30",
    "late, changed, given back": "claim 3; days 10; limit 30; report; days 6; give back; days 20; report; pass",
    "given back before it was late": "claim 12; days 3; report; days 20; give back; days 2; report; pass",
}


@pytest.mark.parametrize("story", STORIES)
async def test_what_on_time_is_judged_by_is_the_same_in_events_and_rows(
    scene: "Scene", monkeypatch: pytest.MonkeyPatch, story: str
) -> None:
    heard = Heard(scene)
    months = Months(scene, heard, monkeypatch, random.Random(1))
    share = await scene.share(ROAD if "pass" in STORIES[story] else VISITS)
    months.pass_days(0)
    for step in STORIES[story].split("; "):
        what, _, number = step.rpartition(" ") if step[-1].isdigit() else (step, "", "")
        if what == "days":
            months.pass_days(int(number))
        else:
            await months.do(what, share, int(number) if number else None)
        await months.compare((0, 1, 5))
    assert await months.compare(range(40)) + await months.compare((0,), range(60)) > 0


async def test_a_date_that_had_passed_follows_the_calendar_in_the_events_as_well(
    scene: "Scene", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claimed in December for thirty days, changed in March; the calendar of the new year comes later still."""
    months = Months(scene, Heard(scene), monkeypatch, random.Random(1), today=date(2026, 12, 1))
    share = await scene.share(VISITS)
    months.pass_days(0)
    await months.do("claim", share, 30)
    months.pass_days(90)
    await months.do("limit", share, 120)
    await months.do("recount", share)
    before = await scene.rows("SELECT judged_due_on FROM share WHERE id = $1", share)
    await months.announce(2027)
    for _ in range(2):  # noticed, and counted at the next turn
        await months.do("recount", share)
    assert await scene.rows("SELECT judged_due_on FROM share WHERE id = $1", share) != before
    assert await months.compare((0, 60, 120), range(0, 80, 3)) > 0


async def test_what_is_refused_or_taken_by_another_village_counts_nowhere(
    scene: "Scene", monkeypatch: pytest.MonkeyPatch
) -> None:
    months = Months(scene, Heard(scene), monkeypatch, random.Random(1))
    refused = await scene.share(VISITS)
    taken = await publish_task(
        scene.pool, scene.town, await scene.meeting(), VISITS, (VILLAGE, NEIGHBOUR), Terms(open_to="first")
    )
    assert isinstance(taken, TaskPublished)
    months.pass_days(0)
    await months.do("refuse", refused)
    await months.do("claim", next(each.share for each in taken.shares if each.village == VILLAGE), 5)
    assert await withdraw_taken_shares(scene.pool, scene.service) is False
    assert len(await scene.told("share.withdrawn.v1")) == 1
    assert await months.compare((0, 1, 10, 30)) > 0
