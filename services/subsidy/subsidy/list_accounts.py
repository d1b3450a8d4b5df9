"""Use case: accounts that are not in force yet: what waits for people, what for the bank, and what it said no to."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

import asyncpg
from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AccountCheckId, BankCode, DepartmentCode, PersonId
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import account_list_store
from subsidy.account_rules import AccountState
from subsidy.vocabulary_rules import REGISTERS

Waiting = Literal["eyes", "bank", "mismatched"]
Masked = Annotated[str, Field(pattern=r"^\*+[0-9]{4}$", description="all but the last four digits are hidden")]

OWED_BY: Final[DepartmentCode] = REGISTERS["social_card"]
"""The department whose register the accounts of people are in."""


class AccountView(BaseModel):
    """One of a person's accounts; what has not happened is null."""

    change: AccountCheckId = Field(description="names it in commands")
    person: PersonId
    division: DivisionCode | None
    number: int = Field(description="1 is the person's first")
    is_change: bool = Field(description="another one was in force before")
    state: AccountState
    account: Masked | None = Field(description="null: not read yet, or forgotten")
    bank: BankCode | None
    reason: str | None = Field(description="why the bank, or somebody, said no")
    owed_by: DepartmentCode | None = Field(description="who has to correct it, when the bank said no")
    proposed_at: datetime
    checked_at: datetime | None
    cooled_at: datetime | None = Field(description="from when on it can be in force")
    confirmed_by: str | None
    second_by: str | None
    refused_by: str | None
    in_force_from: datetime | None
    in_force_until: datetime | None
    version: int

    @property
    def position(self) -> AccountCheckId:
        """Its place in the list, where the next page begins."""
        return self.change

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """From the store's row."""
        said: dict[str, Any] = dict(row)
        last_four = said.pop("last_four")
        owed_by = OWED_BY if said["state"] == "mismatched" else None
        return cls(**said, account=last_four and f"****{last_four}", owed_by=owed_by)


async def list_accounts(
    pool: Pool, actor: Actor, *, waiting: Waiting, after: AccountCheckId | None, limit: int
) -> list[AccountView]:
    """At most `limit` of those in the actor's scope, oldest first, after the last one seen. Raises Forbidden.

    waiting: for people's eyes, for the bank, or for the department that owes the data.
    """
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        rows = await account_list_store.list_accounts(tx, waiting, after=after, limit=limit)
    return [AccountView.of(row) for row in rows]
