"""Use case: where a month computed again differs from what was paid; people and households by their opaque ids."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AdjustmentId, ProgrammeCode
from qingdan.money import Fen, FenTotal
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import adjustment_item_store, adjustment_store
from subsidy.adjustment_rules import AdjustmentReason


class AdjustmentItemView(BaseModel):
    """What a programme owes somebody for the month, then and now."""

    programme: ProgrammeCode
    beneficiary: UUID
    occurrence: str
    kind: Literal["person", "household"]
    payee: UUID | None = Field(description="who receives what is due, or received what is asked back")
    division: DivisionCode
    department: str
    obliged_fen: FenTotal = Field(description="owed for the month so far, what is asked back taken off")
    settled_fen: FenTotal = Field(description="what of it arrived, and was not waived")
    due_fen: FenTotal | None = Field(description="what is due by what is known today; null: nobody knows")
    delta_fen: Fen = Field(description="above 0: arrears; below 0: asked back")
    reason: AdjustmentReason

    @property
    def position(self) -> tuple[str, UUID, str]:
        """Its place in the list, where the next page begins."""
        return self.programme, self.beneficiary, self.occurrence


async def list_adjustment_items(
    pool: Pool,
    actor: Actor,
    adjustment: AdjustmentId,
    *,
    programme: ProgrammeCode | None = None,
    reason: AdjustmentReason | None = None,
    division: DivisionCode | None = None,
    after: tuple[str, UUID, str] | None = None,
    limit: int,
) -> list[AdjustmentItemView]:
    """At most `limit`, by programme, beneficiary and occurrence. Raises NotFound for an adjustment out of scope."""
    async with transaction(pool, actor) as tx:
        await adjustment_store.find_adjustment(tx, adjustment)
        rows = await adjustment_item_store.list_items(
            tx, adjustment, programme=programme, reason=reason, division=division, after=after, limit=limit
        )
    return [AdjustmentItemView(**dict(row)) for row in rows]
