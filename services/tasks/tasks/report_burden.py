"""Use case: after a month's end its burden is told, once for each county and township."""

from datetime import date

from qingdan.divisions import DivisionCode
from runtime import audit, outbox
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import burden_rules, burden_store, list_store
from tasks.list_rules import VILLAGE_LIST, NoListInForce


async def report_burden(pool: Pool, actor: Actor, today: date) -> bool:
    """Report one month of one division, the oldest that is missing; return whether there was one.

    What changes afterwards (an appeal, a withdrawal) stands in the live ledger, not in the report.
    """
    async with transaction(pool, actor) as tx:
        due = await burden_store.find_due_report(tx, burden_rules.months_before(today, 1))
        if due is None:
            return False
        division, month = DivisionCode(due["code"]), due["month"]
        since = burden_rules.months_before(month, burden_rules.LOOK_BACK_MONTHS - 1)
        on = burden_rules.last_day_of(month)
        try:
            items = (await list_store.list_in_force(tx, VILLAGE_LIST, on)).published().items
        except NoListInForce:
            items = ()
        used = await burden_store.used_items(tx, due["id"], since, month)
        event = burden_rules.report(
            division,
            month,
            await burden_store.lines_of(tx, due["id"], division.level, month, month),
            burden_rules.never_used(items, used, on=on, asker=None),
            await burden_store.items_always_late(tx, due["id"], since, month),
            today=today,
        )
        if await burden_store.insert_report(tx, event, due["id"]):  # else another replica was first
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
    return True
