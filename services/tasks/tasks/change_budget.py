"""Use case: a division's villages may be asked for so many hours in a month, from a month on."""

from datetime import date

from qingdan.burden_events import BudgetChanged
from qingdan.divisions import DivisionCode
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.problems import Forbidden
from tasks import budget_rules, budget_store


async def change_budget(
    pool: Pool, actor: Actor, division: DivisionCode, from_month: date, hours_per_village: int | None
) -> BudgetChanged:
    """The nearest budget above a village binds it; None takes the division's own back, and the next above stands.

    Raises Forbidden unless the actor is an operator or staff of a county or town and of no department,
    DivisionUnknown outside the actor's scope, BudgetInThePast.
    """
    actor.require(Role.OPERATOR, Role.TOWN_STAFF)
    if actor.department is not None:
        raise Forbidden(department=actor.department)
    event = budget_rules.change(division, from_month, hours_per_village, today=business_date(utcnow()))
    async with transaction(pool, actor) as tx:
        await budget_store.insert_budget(tx, event, await id_in_scope(tx, division))
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
