"""Use case: a county decides for which changes of account its registers' word is enough, and nobody needs to look."""

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from subsidy import account_trust_store
from subsidy.account_rules import Trust


class RegisterTrusted(BaseModel):
    """For which changes of account the county takes the register's word from now on."""

    division: DivisionCode
    changes: list[Trust]


async def trust_register(pool: Pool, actor: Actor, division: DivisionCode, changes: list[Trust]) -> RegisterTrusted:
    """In the place of what the county had decided before; such a change still cools off, and the bank is still asked.

    Raises Forbidden, DivisionUnknown.
    """
    actor.require(Role.FINANCE_APPROVER)
    async with transaction(pool, actor) as tx:
        county = await id_in_scope(tx, division)
        await account_trust_store.save_trust(tx, county, changes, decided_by=actor.subject)
        answer = RegisterTrusted(division=division, changes=sorted(set(changes)))
        audit.note(tx, "accounts.register-trusted", str(division), answer.model_dump(mode="json"))
        tx.answer_with(answer)
    return answer
