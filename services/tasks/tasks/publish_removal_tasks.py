"""Use case: removal orders become tasks that take a load off, one for each order, with the order as their origin."""

from qingdan.ids import ShareId, TaskId
from qingdan.signage_events import RemovalOrdered
from runtime import audit, outbox
from runtime.clock import business_date, utcnow
from runtime.db import Tx
from runtime.ids import new_id
from runtime.runs import Run
from tasks import division_store, task_rules, task_store


async def publish_removal_tasks(tx: Tx, orders: Run[RemovalOrdered]) -> None:
    """No list need be in force: such a task stands on its legal basis. An order told again makes nothing.

    Raises DivisionUnknown when the tree lacks a village: the event is parked until the tree is imported.
    """
    villages = await division_store.ids_of(tx, {order.village for order in orders})
    today = business_date(utcnow())
    events = [
        task_rules.publish_removal(order, task=TaskId(new_id()), share=ShareId(new_id()), today=today)
        for order in orders
    ]
    new = await task_store.insert_removal_tasks(tx, events, villages)
    for _, event in zip(orders.each(), events, strict=True):
        if event.task in new:
            await outbox.append(tx, event)
            await audit.append(tx, tx.actor, event)
