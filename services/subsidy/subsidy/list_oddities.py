"""Use case: what banks said that does not fit, for somebody to look into."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode, PaymentId
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import oddity_store
from subsidy.payment_rules import BankWord, Oddity

OddityId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class OddityView(BaseModel):
    """Words of a bank that contradict ours or its own; they are counted where they come again."""

    oddity: OddityId
    kind: Oddity
    bank: BankCode
    payment: PaymentId
    division: DivisionCode | None = Field(description="null: no payment here has that id")
    said: BankWord
    amount_fen: int | None
    bank_reference: str | None
    times: int
    first_heard_at: datetime
    last_heard_at: datetime

    @property
    def position(self) -> int:
        """Its place in the list, where the next page begins."""
        return self.oddity


async def list_oddities(pool: Pool, actor: Actor, *, after: int | None, limit: int) -> list[OddityView]:
    """At most `limit`, in the order in which they were first heard, after the last one seen. Raises Forbidden."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        rows = await oddity_store.list_oddities(tx, after=after, limit=limit)
    return [OddityView(**dict(row)) for row in rows]
