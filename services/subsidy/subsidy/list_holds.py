"""Use case: what keeps items from being paid for now, and what became of it."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, computed_field

from qingdan.divisions import DivisionCode
from qingdan.ids import OpenCode, ProgrammeCode, RunId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import hold_store
from subsidy.hold_rules import Cause, HoldId, HoldOutcome

_WAITS_FOR: Final[dict[Cause, str]] = {
    "objection": "the objection is decided on 等待异议裁定",
    "doubt": "the inspection clears the doubt, or finance stops the payment 等待督查解除存疑，或财务停止发放",
    "death": "a second person of finance lifts it 等待财务另一人核实解除",
    "manual": "a second person of finance lifts it 等待财务另一人核实解除",
}


class HoldView(BaseModel):
    """A hold on one item, on all of a programme's or on everything of somebody; what has not happened is null."""

    hold: HoldId
    beneficiary: UUID
    programme: ProgrammeCode | None
    occurrence: str | None
    run: RunId | None
    cause: Cause
    cause_id: UUID
    reason: OpenCode
    division: DivisionCode
    department: str
    placed_by: str
    placed_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    outcome: HoldOutcome | None
    version: int

    @computed_field(description="what it waits for; null: nothing any more")  # type: ignore[prop-decorator]
    @property
    def waits_for(self) -> str | None:
        """What must happen before anything of it is paid."""
        return None if self.lifted_at is not None else _WAITS_FOR[self.cause]

    @property
    def position(self) -> HoldId:
        """Its place in the list, where the next page begins."""
        return self.hold


async def list_holds(
    pool: Pool,
    actor: Actor,
    *,
    is_open: bool | None,
    cause: Cause | None,
    keeps_back: bool | None = None,
    after: HoldId | None,
    limit: int,
) -> list[HoldView]:
    """At most `limit` holds in the actor's scope, by id, after the last one seen; `keeps_back`: those that a payment
    waits for just now, or those that none waits for."""
    async with transaction(pool, actor) as tx:
        rows = await hold_store.list_holds(
            tx,
            is_open=is_open,
            causes=[cause] if cause is not None else None,
            keeps_back=keeps_back,
            after=after,
            limit=limit,
        )
    return [HoldView(**dict(row)) for row in rows]
