"""Use case: the banks' statements day by day, and how many differences each has in which state."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode, Sha256
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import daily_store
from subsidy.daily_rules import DailyStatementId


class DailyStatementView(BaseModel):
    """A day of a county's account at a bank, as the bank has it."""

    statement: DailyStatementId
    division: DivisionCode
    bank: BankCode
    number: str = Field(description="the bank's own, of the statement")
    on_date: date
    opening_fen: int
    credit_fen: int
    debit_fen: int
    closing_fen: int
    entries: int
    sha256: Sha256 = Field(description="of the file as it was taken")
    taken_by: str
    taken_at: datetime
    compared_at: datetime
    open: int = Field(description="differences that somebody has to explain, or later results to settle")
    explained: int = Field(description="that wait for a second look")
    confirmed: int
    gone: int = Field(description="that later results settled")

    @property
    def position(self) -> DailyStatementId:
        """Its place in the list, where the next page begins."""
        return self.statement


async def list_daily_statements(
    pool: Pool, actor: Actor, *, bank: BankCode | None, on: date | None, after: DailyStatementId | None, limit: int
) -> list[DailyStatementView]:
    """At most `limit`, in the order in which they were taken, after the last one seen. Raises Forbidden."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        rows = await daily_store.list_statements(tx, bank=bank, on=on, after=after, limit=limit)
    return [DailyStatementView(**dict(row)) for row in rows]
