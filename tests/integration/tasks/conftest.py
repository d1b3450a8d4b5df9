"""The tasks service's own database with the county of Jize in it, the sample list in force, and its people."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pytest

from devkit.pytest_plugin import MakeDatabase
from devkit.story.county import jize
from qingdan.divisions import COUNTRY, DivisionCode
from qingdan.gate import Ask
from qingdan.ids import MeetingId, ShareId, VisitId
from qingdan.inspection_events import VisitClosed
from qingdan.tasks_events import AskKind, TaskPublished
from runtime.actor import Actor, Role
from runtime.divisions import DivisionRow, import_divisions
from runtime.ids import new_id
from tasks.consumers import on_inspection, on_signage
from tasks.hold_meeting import hold_meeting
from tasks.list_rules import VILLAGE_LIST, Item, NegativeEntry
from tasks.list_shares import ShareView
from tasks.publish_list_version import publish_list_version
from tasks.publish_task import publish_task
from tasks.show_share import show_share
from tests.integration.service_scene import ServiceScene, open_pool, person

COUNTY, TOWN, OTHER_TOWN = (DivisionCode(c) for c in ("130431000000", "130431105000", "130431100000"))
VILLAGE, NEIGHBOUR = DivisionCode("130431105205"), DivisionCode("130431105206")

ROAD = Ask("JTJ", AskKind.TASK, "村主路硬化", "Harden the village main road", "RQ03")  # a visit decides on completion
VISITS = Ask("MZJ", AskKind.TASK, "独居老人入户巡访", "Visit elderly people living alone", "RA03")  # complete by report


OPERATOR = person(Role.OPERATOR, COUNTRY)
COUNTY_STAFF, TOWN_STAFF, OTHER_TOWN_STAFF = (person(Role.TOWN_STAFF, place) for place in (COUNTY, TOWN, OTHER_TOWN))
CADRE, NEIGHBOURS_CADRE = (person(Role.VILLAGE_CADRE, place) for place in (VILLAGE, NEIGHBOUR))


def sample_items() -> list[Item]:
    """The 43 items."""
    return [Item.model_validate(row.model_dump()) for row in jize().items]


def sample_negative() -> list[NegativeEntry]:
    """The 12 entries of what may never be asked."""
    return [NegativeEntry.model_validate(row.model_dump()) for row in jize().negative]


def sample_divisions() -> list[DivisionRow]:
    """Hebei, Handan, Jize, its seven townships and their villages."""
    return [DivisionRow.model_validate(row.model_dump()) for row in jize().divisions]


@dataclass(frozen=True, slots=True)
class Scene(ServiceScene):
    """The service's database with its people."""

    NAME = "tasks"
    HEARS = (on_inspection, on_signage)

    operator: Actor = OPERATOR
    county: Actor = COUNTY_STAFF
    town: Actor = TOWN_STAFF
    other_town: Actor = OTHER_TOWN_STAFF
    cadre: Actor = CADRE
    neighbour: Actor = NEIGHBOURS_CADRE

    async def meeting(self) -> MeetingId:
        """A work meeting of the township."""
        return (await hold_meeting(self.pool, self.town, TOWN, self.today, "工作部署会")).meeting

    async def publish(
        self, ask: Ask = VISITS, villages: Sequence[DivisionCode] | Literal["all"] = (VILLAGE,)
    ) -> TaskPublished:
        """A task of a meeting of its own."""
        event = await publish_task(self.pool, self.town, await self.meeting(), ask, villages)
        assert isinstance(event, TaskPublished)
        return event

    async def share(self, ask: Ask = VISITS) -> ShareId:
        """The village's share of a new task."""
        return (await self.publish(ask)).shares[0].share

    async def look(self, share: ShareId) -> ShareView:
        """The share as the village sees it."""
        return await show_share(self.pool, self.cadre, share)

    async def close_visit(
        self, share: ShareId, *, passed: bool = True, findings: int = 0, failed: int = 0, of: ShareId | None = None
    ) -> None:
        """Hear that a visit of the share was closed; `of`: say that it was another share's."""
        event = await self.visit_closed(share, passed=passed, findings=findings, failed=failed)
        await self.hear(event.model_copy(update={"share": of or share}))

    async def visit_closed(
        self, share: ShareId, *, passed: bool = True, findings: int = 0, failed: int = 0
    ) -> VisitClosed:
        """What inspection tells when a visit of the share is closed."""
        row = (await self.rows("SELECT * FROM share WHERE id = $1", share))[0]
        origin = {"service": row["origin_service"], "kind": row["origin_kind"], "id": row["origin_id"]}
        return VisitClosed.model_validate(
            {
                "visit": VisitId(new_id()),
                "task": row["task_id"],
                "share": share,
                "village": VILLAGE,
                "origin": origin,
                "passed": passed,
                "findings": findings,
                "failed_rechecks": failed,
                "closed_on": self.today,
            }
        )


@pytest.fixture
async def bare(make_database: MakeDatabase) -> AsyncIterator[Scene]:
    """A tasks service that knows the county and has no list yet."""
    pool = await open_pool(make_database, Scene.NAME)
    await import_divisions(pool, OPERATOR, sample_divisions())
    yield Scene(pool)
    await pool.close()


@pytest.fixture
async def scene(bare: Scene) -> Scene:
    """The same with the sample list in force."""
    await publish_list_version(
        bare.pool,
        bare.operator,
        VILLAGE_LIST,
        effective_on=date(2021, 1, 1),
        items=sample_items(),
        negative=sample_negative(),
    )
    return bare
