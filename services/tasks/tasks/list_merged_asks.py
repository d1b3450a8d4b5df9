"""Use case: the asks that said the same as an earlier one, and are answered by its task."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, DepartmentCode, MeetingId, TaskId
from qingdan.tasks_events import AskKind
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import merged_ask_store


class MergedAskView(BaseModel):
    """A merged ask."""

    ask: AskId
    division: DivisionCode
    meeting: MeetingId | None = Field(description="null: an emergency gave rise to it")
    into: TaskId = Field(description="the earlier task, of another department")
    department: str
    kind: AskKind
    title_zh: str
    title_en: str
    item: str
    list_version: int
    merged_on: date

    @property
    def position(self) -> AskId:
        """Its place in the list, where the next page begins."""
        return self.ask


async def list_merged_asks(
    pool: Pool, actor: Actor, *, department: DepartmentCode | None, after: AskId | None, limit: int
) -> list[MergedAskView]:
    """At most `limit` merged asks, oldest first, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await merged_ask_store.list_merged(tx, department=department, after=after, limit=limit)
    return [MergedAskView(**dict(row)) for row in rows]
