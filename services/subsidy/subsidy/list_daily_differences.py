"""Use case: where a day's statement and our books differ, and what has been said of each difference."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from qingdan.ids import PaymentId
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import daily_store
from subsidy.daily_rules import DailyDifferenceKind, DailyStatementId, DifferenceState, Explanation
from subsidy.payment_rules import PaymentState

DifferenceId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class DailyDifferenceView(BaseModel):
    """One movement, or one payment, on which the two do not agree."""

    difference: DifferenceId
    statement: DailyStatementId
    kind: DailyDifferenceKind
    entry: int | None = Field(description="number of the movement on the statement; null: it has none")
    payment: PaymentId | None = Field(description="null: the movement names no payment")
    our_state: PaymentState | None
    our_fen: int | None
    bank_credit: bool | None = Field(description="true: money came in")
    bank_fen: int | None
    state: DifferenceState
    explanation: Explanation | None
    note: str | None
    explained_by: str | None
    confirmed_by: str | None
    found_at: datetime
    gone_at: datetime | None
    version: int

    @property
    def position(self) -> int:
        """Its place in the list, where the next page begins."""
        return self.difference


async def list_daily_differences(
    pool: Pool,
    actor: Actor,
    statement: DailyStatementId,
    *,
    state: DifferenceState | None,
    after: int | None,
    limit: int,
) -> list[DailyDifferenceView]:
    """At most `limit`, by number, after the last one seen. Raises Forbidden, NotFound for a statement out of scope."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        await daily_store.find_statement(tx, statement)
        rows = await daily_store.list_differences(tx, statement, state=state, after=after, limit=limit)
    return [DailyDifferenceView(**dict(row)) for row in rows]
