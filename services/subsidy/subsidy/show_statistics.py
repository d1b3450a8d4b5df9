"""Use case: what was owed, paid and booked, counted from the rows in the asker's scope."""

from pydantic import BaseModel, Field

from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import account_list_store, statistics_store
from subsidy.account_rules import AccountState
from subsidy.payment_rules import Account, PaymentState


class Statistics(BaseModel):
    """Counts of one moment; every row is in the asker's scope."""

    people: int
    households: int
    runs: int
    runs_closed: int
    runs_being_entered: int = Field(description="approved, and not everything in them is owed yet")
    programmes_entitled: int = Field(description="programmes to which somebody is entitled in some run")
    entitlements: int = Field(description="entitled in some run")
    obligations: int
    obligations_unpaid: int = Field(description="of which no payment is settled")
    obligations_paid_twice: int = Field(description="for which banks paid more than once without return; always 0")
    payments: int
    payments_by_state: dict[PaymentState, int]
    payments_rejected_first: int = Field(description="first payment rejected, paid now")
    payments_unknown_resolved: int = Field(description="the bank was silent once; at an end now")
    paid_fen: int
    ledger_fen_by_account: dict[Account, int]
    ledger_sum_fen: int = Field(description="always 0")
    accounts_by_state: dict[AccountState, int]
    accounts_in_doubt: int = Field(description="what banks said of accounts that did not fit, repetitions included")
    payments_waiting: int = Field(description="for an account that is not in force yet")
    oddities: int = Field(description="messages of banks that did not fit, repetitions included")
    oddities_by_kind: dict[str, int]


async def show_statistics(pool: Pool, actor: Actor) -> Statistics:
    """Count now."""
    async with transaction(pool, actor) as tx:
        return Statistics(**await statistics_store.count(tx), **await account_list_store.count_accounts(tx))
