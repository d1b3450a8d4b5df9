"""Use case: what people who were paid too much owe back; people and households by their opaque ids."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AdjustmentId, ProgrammeCode
from qingdan.money import FenPaid, FenTotal
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import recovery_store
from subsidy.recovery_rules import RecoveryId, RecoveryState, WaiverReason


class RecoveryView(BaseModel):
    """One claim."""

    recovery: RecoveryId
    adjustment: AdjustmentId
    programme: ProgrammeCode
    beneficiary: UUID
    occurrence: str = Field(description="the month that too much was paid for")
    payee: UUID | None = Field(description="who received it")
    division: DivisionCode
    department: str
    amount_fen: FenPaid
    recovered_fen: FenTotal
    state: RecoveryState
    claimed_on: date
    waived_by: str | None
    waived_reason: WaiverReason | None
    version: int

    @property
    def position(self) -> RecoveryId:
        """Its place in the list, where the next page begins."""
        return self.recovery


async def list_recoveries(
    pool: Pool,
    actor: Actor,
    *,
    state: RecoveryState | None,
    adjustment: AdjustmentId | None,
    after: RecoveryId | None,
    limit: int,
) -> list[RecoveryView]:
    """At most `limit` in the actor's scope, by id, after the last one seen. Raises Forbidden."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        rows = await recovery_store.list_claims(tx, state=state, adjustment=adjustment, after=after, limit=limit)
    return [RecoveryView(**dict(row)) for row in rows]
