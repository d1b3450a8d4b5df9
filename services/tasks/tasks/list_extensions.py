"""Use case: extensions, those to be decided first at the top."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import extension_store
from tasks.extension_rules import ExtensionId, ExtensionState
from tasks.share_rules import ShareState


class ExtensionView(BaseModel):
    """An extension; what is null has not been decided yet."""

    extension: ExtensionId
    share: ShareId
    task: TaskId
    village: DivisionCode
    department: str
    title_zh: str
    title_en: str
    share_state: ShareState
    limit_working_days: int = Field(description="asked for, counted from the day of the claim")
    due_before: date = Field(description="what on time was judged by when it was asked for")
    due_asked: date
    reason: str
    asked_on: date
    decide_by: date = Field(description="the last day to decide; after it the extension is granted by itself")
    state: ExtensionState
    decided_on: date | None
    decision_reason: str | None
    version: int

    @property
    def position(self) -> tuple[date, ExtensionId]:
        """Its place in the list, where the next page begins."""
        return self.decide_by, self.extension


async def list_extensions(
    pool: Pool,
    actor: Actor,
    *,
    state: ExtensionState | None = None,
    share: ShareId | None = None,
    after: tuple[date, ExtensionId] | None = None,
    limit: int,
) -> list[ExtensionView]:
    """At most `limit` of those that the actor may see, the oldest day to decide first, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await extension_store.list_extensions(tx, state=state, share=share, after=after, limit=limit)
    return [ExtensionView(**dict(row)) for row in rows]
