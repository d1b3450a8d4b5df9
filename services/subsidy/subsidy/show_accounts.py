"""Use case: a person's accounts, masked: which one is in force since when, and which were before."""

from pydantic import BaseModel, Field

from qingdan.ids import PersonId
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import account_list_store
from subsidy.list_accounts import AccountView


class PersonAccounts(BaseModel):
    """All that is kept of a person's accounts."""

    person: PersonId
    in_force: AccountView | None = Field(description="where the person is paid to; null: nowhere")
    others: list[AccountView] = Field(description="newest first, at most 50")


async def show_accounts(pool: Pool, actor: Actor, person: PersonId) -> PersonAccounts:
    """Raises Forbidden; somebody outside the actor's scope has none."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        views = [AccountView.of(row) for row in await account_list_store.accounts_of(tx, person)]
    return PersonAccounts(
        person=person,
        in_force=next((view for view in views if view.state == "in_force"), None),
        others=[view for view in views if view.state != "in_force"],
    )
