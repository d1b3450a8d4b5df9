"""Use case: what banks said of accounts that does not fit, for somebody to look into."""

from datetime import datetime

from pydantic import BaseModel

from qingdan.ids import AccountCheckId, BankCode
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import account_oddity_store
from subsidy.account_rules import BankWord, Oddity
from subsidy.list_oddities import OddityId


class AccountOddityView(BaseModel):
    """Words of a bank that contradict ours or its own; they are counted where they come again."""

    oddity: OddityId
    kind: Oddity
    bank: BankCode
    check: AccountCheckId
    said: BankWord
    times: int
    first_heard_at: datetime
    last_heard_at: datetime

    @property
    def position(self) -> int:
        """Its place in the list, where the next page begins."""
        return self.oddity


async def list_account_oddities(
    pool: Pool, actor: Actor, *, after: OddityId | None, limit: int
) -> list[AccountOddityView]:
    """At most `limit`, in the order in which they were first heard, after the last one seen. Raises Forbidden."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        rows = await account_oddity_store.list_oddities(tx, after=after, limit=limit)
    return [AccountOddityView(**dict(row)) for row in rows]
