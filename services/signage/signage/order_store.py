"""Every SQL statement on removal orders; what other services tell of them is written a whole run at a time."""

from collections.abc import Iterable, Sequence

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import RemovalOrderId
from qingdan.signage_events import RemovalOrdered
from qingdan.tasks_events import RefusalCode
from runtime.db import Tx
from runtime.problems import NotFound
from signage.order_rules import Order, OrderState

_INSERT = """
INSERT INTO removal_order (id, sign_id, division_id, department, state, ordered_on, due_on, legal_basis)
SELECT e.id, s.id, s.division_id, s.department, 'ordered', e.ordered_on, e.due_on, e.legal_basis
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::date[], $5::text[]) AS e(id, sign, ordered_on, due_on, legal_basis)
JOIN sign s ON s.id = e.sign
"""

_LOCK = """
SELECT o.id, o.sign_id, d.code AS village, o.state, o.task_id, o.share_id, o.refusal_code, o.removed_on
FROM removal_order o JOIN division d ON d.id = o.division_id
WHERE o.id = ANY($1::uuid[]) ORDER BY o.id FOR UPDATE OF o
"""

_SAVE = """
UPDATE removal_order o SET state = e.state, task_id = e.task, share_id = e.share, refusal_code = e.refusal_code,
                           removed_on = e.removed_on, version = o.version + 1
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::date[])
    AS e(id, state, task, share, refusal_code, removed_on)
WHERE o.id = e.id
"""

_VIEW = """
SELECT o.id AS "order", d.code AS village, o.sign_id AS sign, s.wording, s.code, o.department, o.state, o.ordered_on,
       o.due_on, o.legal_basis, o.task_id AS task, o.share_id AS share, o.refusal_code, o.removed_on, o.version
FROM removal_order o JOIN sign s ON s.id = o.sign_id JOIN division d ON d.id = o.division_id
JOIN division_closure c ON c.descendant_id = o.division_id AND c.ancestor_id = app_division()
"""


async def insert_orders(tx: Tx, events: Sequence[RemovalOrdered]) -> None:
    """Enter new orders, each with its sign's village and department."""
    await tx.execute(
        _INSERT,
        [event.order for event in events],
        [event.sign for event in events],
        [event.ordered_on for event in events],
        [event.due_on for event in events],
        [event.legal_basis for event in events],
    )


async def villages_of(tx: Tx, orders: Iterable[RemovalOrderId]) -> list[int]:
    """The ids of the villages of those of these orders that are known here."""
    rows = await tx.fetch("SELECT DISTINCT division_id FROM removal_order WHERE id = ANY($1::uuid[])", list(orders))
    return [row["division_id"] for row in rows]


async def lock_orders(tx: Tx, orders: Iterable[RemovalOrderId]) -> dict[RemovalOrderId, Order]:
    """These orders, held until the transaction ends; locked in one order for all. Raises NotFound."""
    asked = set(orders)
    found = {row["id"]: _order(row) for row in await tx.fetch(_LOCK, list(asked))}
    if missing := asked - found.keys():
        raise NotFound(order=str(min(missing)))
    return found


async def save_orders(tx: Tx, orders: Sequence[Order]) -> None:
    """Keep where news left these orders."""
    await tx.execute(
        _SAVE,
        [order.id for order in orders],
        [order.state for order in orders],
        [order.task for order in orders],
        [order.share for order in orders],
        [order.refusal_code for order in orders],
        [order.removed_on for order in orders],
    )


async def list_orders(
    tx: Tx, *, village: DivisionCode | None, state: OrderState | None, after: RemovalOrderId | None, limit: int
) -> Sequence[asyncpg.Record]:
    """Orders by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR d.code = $1) AND ($2::text IS NULL OR o.state = $2)"
        " AND ($3::uuid IS NULL OR o.id > $3) ORDER BY o.id LIMIT $4",
        village,
        state,
        after,
        limit,
    )


def _order(row: asyncpg.Record) -> Order:
    return Order(
        id=RemovalOrderId(row["id"]),
        sign=row["sign_id"],
        village=DivisionCode(row["village"]),
        state=row["state"],
        task=row["task_id"],
        share=row["share_id"],
        refusal_code=RefusalCode(row["refusal_code"]) if row["refusal_code"] is not None else None,
        removed_on=row["removed_on"],
    )
