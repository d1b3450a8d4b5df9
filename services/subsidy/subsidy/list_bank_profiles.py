"""Use case: how the banks of the counties in the asker's scope are told of payments."""

from pydantic import BaseModel

from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import bank_profile_store
from subsidy.bank_profile_rules import DEFAULT, BankProfile
from subsidy.set_bank_profile import ProfileView


class ProfilesView(BaseModel):
    """The profiles that were set; a bank that none was set for is told by events."""

    items: list[ProfileView]
    default: BankProfile


async def list_bank_profiles(pool: Pool, actor: Actor) -> ProfilesView:
    """All of them: a county has as many as banks. Raises Forbidden."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        kept = await bank_profile_store.list_profiles(tx)
    items = [ProfileView(division=k.division, bank=k.bank, profile=k.profile, version=k.version) for k in kept]
    return ProfilesView(items=items, default=DEFAULT)
