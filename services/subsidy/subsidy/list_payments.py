"""Use case: payments and what became of them; people and households by their opaque ids."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode, BatchId, PaymentId, ProgrammeCode, RunId
from qingdan.money import FenPaid
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import payment_store
from subsidy.payment_rules import PaymentState


class PaymentView(BaseModel):
    """One attempt to pay somebody what is owed; what has not happened is null."""

    payment: PaymentId
    run: RunId
    programme: ProgrammeCode
    beneficiary: UUID
    occurrence: str
    division: DivisionCode
    department: str
    amount_fen: FenPaid
    attempt: int
    state: PaymentState
    reason: str | None = Field(description="why it was rejected or returned")
    bank: BankCode | None
    batch: BatchId | None
    bank_reference: str | None
    disputed: bool = Field(description="the bank named another amount than ours")
    was_unknown: bool = Field(description="the bank was silent about it once")
    sent_at: datetime | None
    ended_on: date | None
    waits_for: str | None = Field(default=None, description="why it is not sent yet: account_not_verified, held")
    version: int

    @property
    def position(self) -> PaymentId:
        """Its place in the list, where the next page begins."""
        return self.payment


async def list_payments(
    pool: Pool,
    actor: Actor,
    *,
    run: RunId | None,
    state: PaymentState | None,
    after: PaymentId | None,
    limit: int,
) -> list[PaymentView]:
    """At most `limit` payments in the actor's scope, by id, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await payment_store.list_payments(tx, run=run, state=state, after=after, limit=limit)
    return [PaymentView(**dict(row)) for row in rows]
