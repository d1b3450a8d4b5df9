"""Use case: a department asks to hang a sign at a village; the rules permit it, or the refusal is counted.

What the rules on signs permit stands on a law of its own. All else is an ask like any other, and the gate of the
responsibility list has its say.
"""

from qingdan.divisions import DivisionCode
from qingdan.ids import SignId, Title
from qingdan.signage_events import Position, SignPermitted
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id
from signage import division_store, list_store, request_store, sign_rules, sign_store, version_store
from signage.sign_rules import VILLAGE_LIST, AskedSign


async def request_sign(
    pool: Pool, actor: Actor, village_code: DivisionCode, wording: Title, position: Position
) -> SignPermitted:
    """Raises Forbidden unless the actor is a department's staff, VillagesUnknown, NoRulesInForce, and SignNotAllowed:

    that refusal is committed and published before it is raised, since it is to be counted.
    """
    actor.require(Role.DEPARTMENT_STAFF)
    assert actor.department is not None  # or there would be no such actor
    asked, today = AskedSign(village_code, wording, position, actor.department), business_date(utcnow())
    async with transaction(pool, actor) as tx:
        village = (await division_store.villages_in_scope(tx, [village_code]))[village_code]
        await division_store.lock_villages(tx, [village.id])
        rules = await version_store.rules_in_force(tx, today)
        rule, reason = sign_rules.decide(asked, village.name_zh, rules)
        sign = SignId(new_id())
        if rule is not None and reason is None:
            permitted = sign_rules.permit(asked, rule, sign, today=today)
            if await sign_store.insert_permitted(tx, permitted, asked, village, rules.version):
                await outbox.append(tx, permitted)
                await audit.append(tx, actor, permitted)
                return permitted
        standing = await list_store.list_in_force(tx, VILLAGE_LIST, today)
        listed = sign_rules.check_against_list(asked, rule, standing, today=today)
        refused = sign_rules.refuse(asked, rule, reason or "slot_taken", sign, listed=listed, today=today)
        await request_store.insert_refused(tx, refused, asked, village, rules.version, listed)
        await outbox.append(tx, refused)
        await audit.append(tx, actor, refused)
        tx.refuse_after_commit(sign_rules.not_allowed(refused, rules, listed))
    raise AssertionError("a refused ask has been raised by the transaction")
