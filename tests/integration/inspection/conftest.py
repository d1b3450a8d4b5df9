"""The inspection service's own database, two townships, and the events that the tasks service tells."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from devkit.pytest_plugin import MakeDatabase
from inspection.consumers import on_tasks
from qingdan.divisions import COUNTRY, DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import (
    AskKind,
    PublishedShare,
    RefusalCode,
    ShareClaimed,
    ShareCompleted,
    ShareLimitChanged,
    ShareProgressed,
    ShareRefused,
    ShareReportedDone,
    ShareResumed,
    ShareWithdrawn,
    TaskPublished,
)
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.divisions import DivisionRow, import_divisions
from runtime.ids import new_id
from tests.integration.service_scene import ServiceScene, open_pool, person

TOWN, OTHER_TOWN = DivisionCode("130431105000"), DivisionCode("130431100000")
VILLAGE, NEIGHBOUR, FAR_VILLAGE = (
    DivisionCode("130431105205"),
    DivisionCode("130431105206"),
    DivisionCode("130431100201"),
)
TREE = {
    "130000000000": None,
    "130400000000": "130000000000",
    "130431000000": "130400000000",
    TOWN: "130431000000",
    OTHER_TOWN: "130431000000",
    VILLAGE: TOWN,
    NEIGHBOUR: TOWN,
    FAR_VILLAGE: OTHER_TOWN,
}


SUPERVISOR, OTHER_SUPERVISOR = person(Role.SUPERVISOR, TOWN), person(Role.SUPERVISOR, OTHER_TOWN)
TOWN_STAFF = person(Role.TOWN_STAFF, TOWN)
CADRE, NEIGHBOURS_CADRE = person(Role.VILLAGE_CADRE, VILLAGE), person(Role.VILLAGE_CADRE, NEIGHBOUR)


@dataclass(frozen=True, slots=True)
class Told:
    """A task with one share, and what the tasks service tells of it."""

    village: DivisionCode = VILLAGE
    task: TaskId = field(default_factory=lambda: TaskId(new_id()))
    share: ShareId = field(default_factory=lambda: ShareId(new_id()))
    today: date = field(default_factory=lambda: business_date(utcnow()))
    origin: Origin = field(default_factory=lambda: Origin(service="tasks", kind="work_meeting", id=new_id()))

    def published(self, *, inspect: bool = False, title_zh: str = "村主路硬化") -> TaskPublished:
        return TaskPublished(
            task=self.task,
            origin=self.origin,
            item="RQ03",
            list_version=1,
            department="JTJ",
            kind=AskKind.TASK,
            title_zh=title_zh,
            title_en="Harden the village main road",
            division=TOWN,
            inspect_on_completion=inspect,
            published_on=self.today,
            shares=(PublishedShare(share=self.share, village=self.village),),
        )

    def claimed(self, *, limit_working_days: int = 20) -> ShareClaimed:
        return ShareClaimed(
            task=self.task,
            share=self.share,
            village=self.village,
            department="JTJ",
            limit_working_days=limit_working_days,
            claimed_on=self.today,
            due_on=self.today + timedelta(days=28),
            provisional=False,
            origin=self.origin,
        )

    def limit_changed(self, due_on: date, *, code: str) -> ShareLimitChanged:
        return ShareLimitChanged(
            task=self.task,
            share=self.share,
            village=self.village,
            department="JTJ",
            limit_working_days=30,
            due_on=due_on,
            provisional=False,
            code=code,
            changed_on=self.today,
            origin=self.origin,
        )

    def resumed(self, due_on: date) -> ShareResumed:
        return ShareResumed(
            task=self.task,
            share=self.share,
            village=self.village,
            paused_working_days=5,
            due_on=due_on,
            provisional=False,
            resumed_on=self.today,
            origin=self.origin,
        )

    def progressed(self, percent: int = 40, photos: Sequence[str] = ()) -> ShareProgressed:
        return ShareProgressed(
            task=self.task,
            share=self.share,
            village=self.village,
            percent=percent,
            photo_sha256=tuple(photos),
            reported_on=self.today,
            origin=self.origin,
        )

    def reported_done(self) -> ShareReportedDone:
        return ShareReportedDone(
            task=self.task,
            share=self.share,
            village=self.village,
            photo_sha256=(),
            reported_on=self.today,
            origin=self.origin,
        )

    def refused(self) -> ShareRefused:
        return ShareRefused(
            task=self.task,
            share=self.share,
            village=self.village,
            department="JTJ",
            code=RefusalCode.NO_MEANS,
            list_version=1,
            refused_on=self.today,
            origin=self.origin,
        )

    def withdrawn(self) -> ShareWithdrawn:
        return ShareWithdrawn(
            task=self.task,
            share=self.share,
            village=self.village,
            code="taken",
            withdrawn_on=self.today,
            origin=self.origin,
        )

    def completed(self) -> ShareCompleted:
        return ShareCompleted(
            task=self.task,
            share=self.share,
            village=self.village,
            completed_on=self.today,
            due_on=self.today + timedelta(days=28),
            used_working_days=3,
            on_time=True,
            origin=self.origin,
        )


@dataclass(frozen=True, slots=True)
class Scene(ServiceScene):
    """The service's database with its people."""

    NAME = "inspection"
    HEARS = (on_tasks,)

    supervisor: Actor = SUPERVISOR
    other_supervisor: Actor = OTHER_SUPERVISOR
    town: Actor = TOWN_STAFF
    cadre: Actor = CADRE
    neighbour: Actor = NEIGHBOURS_CADRE

    async def tell_of_reported_share(self, village: DivisionCode = VILLAGE) -> Told:
        """A share that was published, claimed and reported on."""
        told = Told(village)
        await self.hear(told.published(), told.claimed(), told.progressed())
        return told

    async def version(self, table: str, row_id: UUID) -> Any:
        """The row's version; `table` is one of the service's own."""
        return (await self.rows(f"SELECT version FROM {table} WHERE id = $1", row_id))[0]["version"]


@pytest.fixture
async def scene(make_database: MakeDatabase) -> AsyncIterator[Scene]:
    """An inspection service that knows the tree and has heard nothing yet."""
    pool = await open_pool(make_database, Scene.NAME)
    rows = [
        DivisionRow(code=DivisionCode(code), name_zh=f"区划{code}", parent_code=parent and DivisionCode(parent))
        for code, parent in TREE.items()
    ]
    await import_divisions(pool, person(Role.OPERATOR, COUNTRY), rows)
    yield Scene(pool)
    await pool.close()
