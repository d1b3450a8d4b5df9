"""Use case: a census: what hangs at some villages is entered, and the rules in force say what may stay."""

from collections.abc import Sequence

from pydantic import BaseModel

from qingdan.ids import SignId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id
from signage import division_store, sign_rules, sign_store, version_store
from signage.sign_rules import CountedSign


class SignsCounted(BaseModel):
    """How many signs were new; a census told again finds the same ones."""

    added: int
    already_there: int


async def count_signs(pool: Pool, actor: Actor, counted: Sequence[CountedSign]) -> SignsCounted:
    """Enter what is new, and judge all that hangs at these villages.

    Raises Forbidden unless the actor is town staff or an operator and bound to no department (one of a kind stays,
    whoever hung it), VillagesUnknown, NoRulesInForce.
    """
    actor.require(Role.TOWN_STAFF, Role.OPERATOR)
    sign_rules.require_sight_of_all(actor.department)
    async with transaction(pool, actor) as tx:
        villages = await division_store.villages_in_scope(tx, {sign.village for sign in counted})
        village_ids = [village.id for village in villages.values()]
        await division_store.lock_villages(tx, village_ids)
        rules = await version_store.rules_in_force(tx, business_date(utcnow()))
        numbered = [(SignId(new_id()), sign, copy) for sign, copy in sign_rules.number_copies(counted)]
        added = await sign_store.insert_counted(tx, numbered, villages, rules.version)
        judged = sign_rules.judge(await sign_store.lock_hanging(tx, village_ids), rules)
        await sign_store.save_verdicts(tx, judged, rules.version)
        answer = SignsCounted(added=added, already_there=len(counted) - added)
        audit.note(tx, "signs.counted", "census", {**answer.model_dump(), "villages": sorted(map(str, villages))})
        tx.answer_with(answer)
    return answer
