"""Use case: whose payee was to be changed, why, and who stood behind it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import OpenCode, ProgrammeCode, RunId
from qingdan.money import FenPaid
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import payee_store
from subsidy.payee_rules import Basis, PayeeChangeId, PayeeChangeState


class PayeeChangeView(BaseModel):
    """A change of one item's payee; what has not happened is null."""

    change: PayeeChangeId
    programme: ProgrammeCode
    beneficiary: UUID
    occurrence: str
    run: RunId
    amount_fen: FenPaid
    division: DivisionCode
    department: str
    old_payee: UUID | None = Field(description="null: nobody was known who could receive it")
    new_payee: UUID
    reason: OpenCode
    basis: Basis = Field(description="what the registers said of the old payee when it was proposed 变更依据")
    state: PayeeChangeState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    version: int

    @property
    def position(self) -> PayeeChangeId:
        """Its place in the list, where the next page begins."""
        return self.change


async def list_payee_changes(
    pool: Pool,
    actor: Actor,
    *,
    state: PayeeChangeState | None,
    run: RunId | None,
    after: PayeeChangeId | None,
    limit: int,
) -> list[PayeeChangeView]:
    """At most `limit` changes in the actor's scope, by id, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await payee_store.list_changes(tx, state=state, run=run, after=after, limit=limit)
    return [PayeeChangeView(**dict(row)) for row in rows]
