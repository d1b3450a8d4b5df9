"""Use case: the asks that the gate or a village said no to."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, DepartmentCode, MeetingId, ShareId, TaskId
from qingdan.tasks_events import AskKind, RefusalCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import refused_ask_store


class RefusedAskView(BaseModel):
    """A refused ask, with the reason."""

    ask: AskId
    division: DivisionCode
    meeting: MeetingId | None
    share: ShareId | None = Field(description="where a village refused its share")
    department: str
    kind: AskKind
    title_zh: str
    title_en: str
    cited_item: str | None
    code: RefusalCode
    decided_by: Literal["gate", "village"]
    reason: str
    list_version: int | None = Field(description="null for a village's no while no list was in force")
    nearest_item: str | None
    refused_on: date
    earlier_task: TaskId | None = Field(description="what a duplicate repeats")

    @property
    def position(self) -> AskId:
        """Its place in the list, where the next page begins."""
        return self.ask


async def list_refused_asks(
    pool: Pool,
    actor: Actor,
    *,
    department: DepartmentCode | None,
    code: RefusalCode | None,
    after: AskId | None,
    limit: int,
) -> list[RefusedAskView]:
    """At most `limit` refused asks, oldest first, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await refused_ask_store.list_refused(tx, department=department, code=code, after=after, limit=limit)
    return [RefusedAskView(**dict(row)) for row in rows]
