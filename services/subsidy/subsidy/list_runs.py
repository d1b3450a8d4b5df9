"""Use case: the runs in the asker's scope."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.subsidy_events import Period
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import run_store
from subsidy.run_rules import RunState


class RunView(BaseModel):
    """A county's run for a month; what has not happened is null."""

    run: RunId
    division: DivisionCode
    period: Period
    state: RunState
    programme_version: int
    reference_on: date = Field(description="the day as of which ages are counted and parameters hold")
    prepared_by: str
    frozen_by: str | None
    approved_by: str | None
    frozen_hash: str | None = Field(description="Merkle tree hash (RFC 9162) of what is frozen; repeated to approve")
    notice_until: date | None
    previewed_on: date
    frozen_on: date | None
    approved_on: date | None
    closed_on: date | None
    approvals: list[str] = Field(description="who approved")
    approvals_needed: int = Field(description="how many must, by what the run comes to; settled when it is frozen")
    returns: int = Field(description="how many times it was frozen and came back before it was approved")
    version: int

    @property
    def position(self) -> RunId:
        """Its place in the list, where the next page begins."""
        return self.run


async def list_runs(
    pool: Pool, actor: Actor, *, state: RunState | None, after: RunId | None, limit: int
) -> list[RunView]:
    """At most `limit` runs, by id, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await run_store.list_runs(tx, state=state, after=after, limit=limit)
    return [RunView(**dict(row)) for row in rows]
