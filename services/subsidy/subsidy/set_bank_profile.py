"""Use case: an operator says by which channel a county's bank is paid, and what its files look like."""

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from runtime.divisions import id_in_scope
from subsidy import bank_profile_store
from subsidy.bank_profile_rules import BankProfile


class ProfileView(BaseModel):
    """A county's profile of a bank."""

    division: DivisionCode
    bank: BankCode
    profile: BankProfile
    version: int


async def set_bank_profile(
    pool: Pool, actor: Actor, division: DivisionCode, bank: BankCode, profile: BankProfile, *, expected: Version
) -> ProfileView:
    """From now on, for what is prepared and for the files ordered later; version 0 is that of a profile not there yet.

    Raises Forbidden unless the actor is an operator, DivisionUnknown, StaleVersion.
    """
    actor.require(Role.OPERATOR)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, division)
        await bank_profile_store.claim_profile(tx, division_id, bank, profile, expected)
        await bank_profile_store.save_profile(tx, division_id, bank, profile)
        view = ProfileView(division=division, bank=bank, profile=profile, version=expected + 1)
        audit.note(tx, "bank-profile.set", f"{division}/{bank}", profile.model_dump(mode="json"))
        tx.answer_with(view, version=view.version)
    return view
