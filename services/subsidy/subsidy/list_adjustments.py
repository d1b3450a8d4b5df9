"""Use case: adjustments of months that were paid."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AdjustmentId, RunId, Sha256
from qingdan.money import FenTotal
from qingdan.subsidy_events import Count, Period
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import adjustment_store
from subsidy.adjustment_rules import AdjustmentState


class AdjustmentView(BaseModel):
    """A month computed again, and what differs, of the whole county."""

    adjustment: AdjustmentId
    division: DivisionCode
    period: Period
    run: RunId
    number: int = Field(description="the how-manieth adjustment of that county and month")
    state: AdjustmentState
    limited: bool = Field(description="computed for some beneficiaries only")
    prepared_by: str
    computed_on: date
    items_hash: Sha256 | None = Field(description="Merkle tree hash (RFC 9162, section 2.1.1) that a decision names")
    items: Count
    arrears: Count
    arrears_fen: FenTotal
    recoveries: Count
    recoveries_fen: FenTotal
    decided_by: str | None
    decided_on: date | None
    version: int

    @property
    def position(self) -> AdjustmentId:
        """Its place in the list, where the next page begins."""
        return self.adjustment


async def list_adjustments(
    pool: Pool,
    actor: Actor,
    *,
    state: AdjustmentState | None,
    run: RunId | None,
    after: AdjustmentId | None,
    limit: int,
) -> list[AdjustmentView]:
    """At most `limit` in the actor's scope, by id, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await adjustment_store.list_adjustments(tx, state=state, run=run, after=after, limit=limit)
    return [AdjustmentView(**dict(row)) for row in rows]
