"""Use case: which problems were found, and which of them wait for the village or for the team."""

from datetime import date
from typing import NamedTuple

from pydantic import BaseModel

from inspection import finding_store
from inspection.finding_rules import FindingState
from qingdan.divisions import DivisionCode
from qingdan.ids import FindingId, SuggestionId, VisitId
from runtime.actor import Actor
from runtime.db import Pool, transaction


class FindingPosition(NamedTuple):
    """A place in the list of findings."""

    finding: FindingId


class FindingView(BaseModel):
    """A finding and its suggestion as they are shown."""

    finding: FindingId
    visit: VisitId
    village: DivisionCode
    department: str | None
    category: str
    text: str
    suggestion_id: SuggestionId
    suggestion: str
    state: FindingState
    raised_on: date
    failed_rechecks: int
    version: int

    @property
    def position(self) -> FindingPosition:
        """Its place in the list, where the next page begins."""
        return FindingPosition(self.finding)


async def list_findings(
    pool: Pool,
    actor: Actor,
    *,
    state: FindingState | None,
    visit: VisitId | None,
    after: FindingPosition | None,
    limit: int,
) -> list[FindingView]:
    """At most `limit` findings in the actor's scope, oldest first, after the position of the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await finding_store.list_findings(tx, state=state, visit=visit, after=after, limit=limit)
    return [FindingView(**dict(row)) for row in rows]
