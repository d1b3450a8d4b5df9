"""Use case: which visits are planned, under way or closed, by the day they are planned for."""

from datetime import date
from typing import NamedTuple

from pydantic import BaseModel, Field

from inspection import visit_store
from inspection.visit_rules import VisitState
from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId, VisitId
from runtime.actor import Actor
from runtime.db import Pool, transaction


class VisitPosition(NamedTuple):
    """A place in the list of visits."""

    planned_on: date
    visit: VisitId


class VisitView(BaseModel):
    """A visit as it is shown; titles and department are null for a task that was published before anyone listened."""

    visit: VisitId
    share: ShareId
    task: TaskId
    village: DivisionCode
    department: str | None
    title_zh: str | None
    title_en: str | None
    state: VisitState
    reported_on: date = Field(description="when the village reported what the visit looks at")
    planned_on: date
    done_on: date | None
    finding_count: int
    failed_rechecks: int
    closed_on: date | None
    version: int

    @property
    def position(self) -> VisitPosition:
        """Its place in the list, where the next page begins."""
        return VisitPosition(self.planned_on, self.visit)


async def list_visits(
    pool: Pool,
    actor: Actor,
    *,
    state: VisitState | None,
    share: ShareId | None,
    after: VisitPosition | None,
    limit: int,
) -> list[VisitView]:
    """At most `limit` visits in the actor's scope, after the position of the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await visit_store.list_visits(tx, state=state, share=share, after=after, limit=limit)
    return [VisitView(**dict(row)) for row in rows]
