"""Use case: an approver orders the removal of all that may not hang in a division, as many signs as one call takes."""

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import RemovalOrderId
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from runtime.workday_calendar import calendar
from signage import division_store, order_rules, order_store, sign_rules, sign_store, version_store


class RemovalsOrdered(BaseModel):
    """What one call did."""

    ordered: int
    left: int = Field(
        description="signs that still have to be ordered down, or judged by the rules in force: ask again"
    )


async def order_removals(
    pool: Pool, actor: Actor, division: DivisionCode, *, limit: int, due_working_days: int
) -> RemovalsOrdered:
    """Judge the villages of the next `limit` signs by the rules in force, and order down what may not hang.

    Raises Forbidden unless the actor is a sign approver and bound to no department, DivisionUnknown, NoRulesInForce.
    """
    actor.require(Role.SIGN_APPROVER)
    sign_rules.require_sight_of_all(actor.department)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, division)
        rules = await version_store.rules_in_force(tx, today)
        chosen = await sign_store.find_removable(tx, division_id, rules.version, limit)
        await division_store.lock_villages(tx, chosen.values())
        judged = sign_rules.judge(await sign_store.lock_hanging(tx, set(chosen.values())), rules)
        await sign_store.save_verdicts(tx, judged, rules.version)
        due_on = (await calendar(tx)).add_working_days(today, due_working_days).on
        events = [
            order_rules.order_removal(each, rules, RemovalOrderId(new_id()), today=today, due_on=due_on)
            for each in judged
            if each.sign.id in chosen and each.verdict == "removable"
        ]
        await sign_store.save_state(tx, [event.sign for event in events], "ordered")
        await order_store.insert_orders(tx, events)
        for event in events:
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
        left = await sign_store.count_removable(tx, division_id, rules.version)
        answer = RemovalsOrdered(ordered=len(events), left=left)
        tx.answer_with(answer)
    return answer
