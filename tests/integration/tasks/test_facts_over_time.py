"""Whatever villages do over months, the public events alone give the facts that the service reads from its rows."""

import random
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from qingdan.assessment import Facts
from qingdan.assessment_from_events import facts_from_events
from qingdan.divisions import DivisionLevel
from qingdan.ids import AssessmentId, ShareId
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
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tasks.report_progress import report_progress
from tasks.resume_share import resume_share
from tests.integration.tasks.conftest import ROAD, TOWN, VILLAGE, VISITS
from tests.integration.tasks.test_assessment_from_events import VILLAGES, Heard, later

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

    async def do(self, what: str, share: ShareId) -> None:
        scene, pool, cadre = self.scene, self.scene.pool, self.scene.cadre
        (row,) = await scene.rows("SELECT version, state FROM share WHERE id = $1", share)
        at, limit = Version(row["version"]), self.chance.choice((1, 2, 4, 8, 16, 25))
        match what:
            case "claim":
                await claim_task(pool, cadre, share, limit, expected=at)
            case "refuse":
                await refuse_share(pool, cadre, share, "no_means", "", expected=at)
            case "limit":
                await change_limit(pool, cadre, share, self.chance.randint(1, 60), "雨季", expected=at)
            case "pause":
                await pause_share(pool, cadre, share, "weather", "", expected=at)
            case "resume":
                await resume_share(pool, cadre, share, "", expected=at)
            case "progress":
                await report_progress(pool, cadre, share, 50, note="照片", photo_sha256=["0" * 64], expected=at)
            case "report":
                await report_done(pool, cadre, share, [], expected=at)
            case "ask":
                await ask_extension(pool, cadre, share, self.chance.randint(10, 90), "连续降雨", expected=at)
            case "grant":
                for each in await scene.rows(
                    "SELECT id FROM share_extension WHERE share_id = $1 AND state = 'open'", share
                ):
                    granted = self.chance.random() < 0.8
                    await decide_extension(pool, scene.town, each["id"], granted, "同意", expected=Version(1))
            case "visit" if row["state"] == "reported_done":
                await self.visit(share)

    async def visit(self, share: ShareId) -> None:
        found = self.chance.randint(0, 4)
        passed, failed = self.chance.random() < 0.5, self.chance.randint(0, found)
        event = await self.scene.visit_closed(share, passed=passed, findings=found, failed=failed)
        event = event.model_copy(update={"closed_on": self.today})
        await self.heard.catch_up()
        self.heard.events.append(event)
        await self.scene.hear(event)


WHAT = ("claim", "claim", "refuse", "limit", "limit", "pause", "resume", "progress", "report", "ask", "grant", "visit")


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
        await heard.catch_up()
        for days in (0, 3, 20, 200):
            then = months.today + timedelta(days=days)
            for until in (months.today, then):
                header = Header(AssessmentId(new_id()), DivisionLevel.VILLAGE, FIRST, until, then)
                facts = await facts_of(scene, header)
                counted += facts[VILLAGE].total.finished
                assert facts == facts_from_events(
                    heard.events,
                    VILLAGES,
                    period_from=FIRST,
                    period_to=until,
                    assessed_on=then,
                    add_working_days=later,
                ), (seed, step, days, until)
    assert counted > 0
