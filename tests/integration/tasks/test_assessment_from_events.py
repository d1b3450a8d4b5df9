"""The public events alone give the facts and the places that the service gives."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from qingdan.access_events import ListVersionTookEffect
from qingdan.assessment import Facts, rank
from qingdan.assessment_from_events import facts_from_events
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.event import EventBody
from qingdan.ids import AssessmentId, ShareId
from qingdan.tasks_events import TasksEvent
from runtime.db import Version, transaction
from runtime.ids import new_id
from tasks import assessment_store
from tasks.assess_divisions import assess_divisions
from tasks.assessment_rules import Header
from tasks.claim_task import claim_task
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tasks.report_progress import report_progress
from tests.integration.tasks.conftest import NEIGHBOUR, ROAD, TOWN, VILLAGE, VISITS, sample_divisions

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

VILLAGES = {row.code: row.code for row in sample_divisions() if row.parent_code == TOWN}


@dataclass(slots=True)
class Heard:
    """What an auditor has: the service's own events, and between them what inspection told."""

    scene: "Scene"
    events: list[EventBody] = field(default_factory=list)
    read: int = 0

    async def catch_up(self) -> None:
        """Read what the service has told since."""
        bodies: list[dict[str, Any]] = (await self.scene.told())[self.read :]
        known = TypeAdapter[EventBody](TasksEvent | ListVersionTookEffect)
        self.events += [known.validate_python(body) for body in bodies]
        self.read += len(bodies)

    async def close_visit(self, share: ShareId, *, passed: bool, findings: int, failed: int) -> None:
        event = await self.scene.visit_closed(share, passed=passed, findings=findings, failed=failed)
        await self.catch_up()
        self.events.append(event)
        await self.scene.hear(event)


@pytest.fixture
async def heard(scene: "Scene") -> Heard:
    """A past with everything in it that may happen to a share, of two villages."""
    heard = Heard(scene)
    for actor, village, limits in (
        (scene.cadre, VILLAGE, (1, 3, 6, 12, 20, 30)),
        (scene.neighbour, NEIGHBOUR, (2,) * 7),
    ):
        for at, limit in enumerate(limits):
            ask = ROAD if at % 2 else VISITS
            share = (await scene.publish(ask, (village,))).shares[0].share
            await claim_task(scene.pool, actor, share, limit, expected=Version(1))
            if at % 3 == 0:
                continue
            await report_progress(
                scene.pool, actor, share, 50, note="照片", photo_sha256=["0" * 64], expected=Version(2)
            )
            await report_done(scene.pool, actor, share, [], expected=Version(3))
            if ask is ROAD:
                await heard.close_visit(share, passed=at != 1, findings=at, failed=at // 3)
        refused = (await scene.publish(VISITS, (village,))).shares[0].share
        await refuse_share(scene.pool, actor, refused, "no_means", "", expected=Version(1))
    await heard.catch_up()
    return heard


async def facts_of(scene: "Scene", days: int) -> tuple[Header, dict[DivisionCode, Facts]]:
    """As the service reads them, so many days from now."""
    start, then = scene.today - timedelta(days=3), scene.today + timedelta(days=days)
    header = Header(AssessmentId(new_id()), DivisionLevel.VILLAGE, start, then, then)
    async with transaction(scene.pool, scene.service) as tx:
        town = (await tx.fetchrow("SELECT id FROM division WHERE code = $1", TOWN))["id"]  # type: ignore[index]
        assessed, _ = await assessment_store.facts_of(tx, town, header)
    return header, {each.code: each.facts for each in assessed}


@pytest.mark.parametrize("days", [0, 1, 4, 10, 30, 90])
async def test_the_events_give_the_same_facts_as_the_service_and_the_same_places(heard: Heard, days: int) -> None:
    """On any day: what is open becomes late as time passes, what waits for its visit does not."""
    header, facts = await facts_of(heard.scene, days)
    again = facts_from_events(
        heard.events,
        VILLAGES,
        period_from=header.period_from,
        period_to=header.period_to,
        assessed_on=header.assessed_on,
    )
    assert again == facts
    assert rank(again) == rank(facts)
    assert facts[VILLAGE].total.finished > 0


async def test_the_places_published_are_those_of_the_events(heard: Heard) -> None:
    scene, today = heard.scene, heard.scene.today
    view = await assess_divisions(scene.pool, scene.town, TOWN, "village", period_from=today, period_to=today)
    facts = facts_from_events(heard.events, VILLAGES, period_from=today, period_to=today, assessed_on=today)
    assert {place.division: place.rank for place in rank(facts)} == {r.division: r.rank for r in view.ranks}


async def test_what_was_claimed_in_another_period_or_by_a_village_elsewhere_is_not_counted(heard: Heard) -> None:
    header, _ = await facts_of(heard.scene, 90)
    before = replace(header, period_to=header.period_from)
    dates = {"period_from": before.period_from, "period_to": before.period_to, "assessed_on": before.assessed_on}
    none = facts_from_events(heard.events, VILLAGES, **dates)
    assert all(not facts.work for facts in none.values())
    dates |= {"period_to": header.period_to}
    assert facts_from_events(heard.events, {VILLAGE: TOWN}, **dates)[TOWN].villages == 1
