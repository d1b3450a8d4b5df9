"""Use case: visits confirm that signs are down, which carries out their orders."""

from qingdan.inspection_events import VisitClosed
from runtime import audit, outbox
from runtime.db import Tx
from runtime.runs import Run
from signage import division_store, order_rules, order_store, sign_store


async def remove_signs(tx: Tx, visits: Run[VisitClosed]) -> None:
    """Each removal is told in the trace of its visit.

    Raises NotFound for an order that was never given here: the event is parked.
    """
    asked = {order_rules.order_of(closed) for closed in order_rules.ours(visits)}
    if not asked:
        return
    await division_store.lock_villages(tx, await order_store.villages_of(tx, asked))
    orders = await order_store.lock_orders(tx, asked)
    removed = []
    for closed in visits.each():
        if not order_rules.is_ours(closed):
            continue
        order, event = order_rules.close_visit(orders[order_rules.order_of(closed)], closed)
        orders[order.id] = order
        if event is not None:
            removed.append(event.sign)
            await outbox.append(tx, event)
            await audit.append(tx, tx.actor, event)
    await order_store.save_orders(tx, list(orders.values()))
    if removed:
        await sign_store.save_state(tx, removed, "removed")
