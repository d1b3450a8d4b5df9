"""Use case: desks that were handed over, the newest first."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import handover_store
from tasks.handover_rules import HandOverId, HandOverState


class HandOverView(BaseModel):
    """A hand-over; persons by their subject alone, and what is null has not happened."""

    hand_over: HandOverId
    village: DivisionCode
    state: HandOverState
    handed_over_by: str
    by_town: bool = Field(description="by the township's staff, since the outgoing secretary was gone")
    handed_over_on: date
    shares_open: int = Field(description="at that moment")
    appeals_open: int = Field(description="the village's noes that the county had still to decide on")
    accepted_by: str | None
    accepted_on: date | None
    version: int

    @property
    def position(self) -> HandOverId:
        """Its place in the list, where the next page begins."""
        return self.hand_over


async def list_handovers(
    pool: Pool,
    actor: Actor,
    *,
    state: HandOverState | None = None,
    village: DivisionCode | None = None,
    before: HandOverId | None = None,
    limit: int,
) -> list[HandOverView]:
    """At most `limit` of those that the actor may see, the newest first, from the one behind `before`."""
    async with transaction(pool, actor) as tx:
        rows = await handover_store.list_handovers(tx, state=state, village=village, before=before, limit=limit)
    return [HandOverView(**dict(row)) for row in rows]
