"""Use case: what the tasks service tells of the task that an order became moves the order along."""

from runtime.db import Tx
from runtime.runs import Run
from signage import order_rules, order_store
from signage.order_rules import TaskNews


async def follow_tasks(tx: Tx, news: Run[TaskNews]) -> None:
    """A share that a village refuses leaves its order contested: in the list and in the statistics, never silent.

    Raises NotFound for an order that was never given here: the event is parked.
    """
    ours = order_rules.ours(news)
    if not ours:
        return
    orders = await order_store.lock_orders(tx, {order_rules.order_of(event) for event in ours})
    for event in ours:
        order = orders[order_rules.order_of(event)]
        orders[order.id] = order_rules.follow(order, event)
    await order_store.save_orders(tx, list(orders.values()))
