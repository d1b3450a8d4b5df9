"""Every SQL statement on budgets of hours."""

from collections.abc import Mapping, Sequence
from datetime import date

import asyncpg

from qingdan.burden_events import BudgetChanged
from qingdan.divisions import DivisionCode
from runtime.db import Tx
from tasks.budget_rules import Month

# The newest budget of each division that has one; where it was taken back, the next above stands.
_STANDING = """
WITH standing AS (
    SELECT DISTINCT ON (division_id) division_id, hours_per_village FROM burden_budget
    WHERE from_month <= $2 ORDER BY division_id, from_month DESC, seq DESC
)
"""
_NEAREST = """
LEFT JOIN LATERAL (
    SELECT s.hours_per_village FROM standing s
    JOIN division_closure c ON c.ancestor_id = s.division_id AND c.descendant_id = v.id
    WHERE s.hours_per_village IS NOT NULL ORDER BY c.depth LIMIT 1
) AS budget ON true
LEFT JOIN LATERAL (
    SELECT sum(b.hours)::bigint AS hours, sum(b.shares)::bigint AS shares, sum(b.beyond_budget)::bigint AS beyond_budget
    FROM burden b WHERE b.division_id = v.id AND b.month = $2
) AS asked ON true
"""

_MONTHS = f"""{_STANDING}
SELECT v.id, asked.hours, budget.hours_per_village FROM unnest($1::integer[]) AS v(id) {_NEAREST}
"""  # noqa: S608

_PAGE = f"""{_STANDING}
SELECT v.code AS village, v.name_zh, $2::date AS month, coalesce(asked.hours, 0) AS hours,
       coalesce(asked.shares, 0) AS shares, coalesce(asked.beyond_budget, 0) AS beyond_budget,
       budget.hours_per_village AS budget
FROM division_closure below JOIN division v ON v.id = below.descendant_id {_NEAREST}
WHERE below.ancestor_id = $1 AND v.level = 'village' AND v.valid_to IS NULL AND ($3::text IS NULL OR v.code > $3)
ORDER BY v.code LIMIT $4
"""  # noqa: S608

_LARGEST = """
SELECT s.task_id AS task, d.code AS village, s.department, s.item_code AS item, s.title_zh, s.title_en,
       s.hours_estimate AS hours
FROM unnest($1::integer[]) AS v(id) JOIN division d ON d.id = v.id CROSS JOIN LATERAL (
    SELECT * FROM share WHERE division_id = v.id AND published_on >= $2 AND state NOT IN ('refused', 'withdrawn')
    AND hours_estimate > 0 ORDER BY hours_estimate DESC, id LIMIT $3
) AS s ORDER BY d.code, s.hours_estimate DESC, s.id
"""


async def months_of(tx: Tx, villages: Mapping[DivisionCode, int], month: date) -> list[Month]:
    """What each of these villages is asked for in a month, and its nearest budget."""
    codes = {id_: code for code, id_ in villages.items()}
    rows = await tx.fetch(_MONTHS, list(villages.values()), month)
    return [Month(codes[row["id"]], row["hours"] or 0, row["hours_per_village"]) for row in rows]


async def bound_months_of(tx: Tx, villages: Mapping[DivisionCode, int], month: date) -> list[Month]:
    """The same, but nothing where nobody ever set a budget: there, publishing costs one small question more."""
    bound: bool = await tx.fetchval("SELECT EXISTS (SELECT 1 FROM burden_budget)")
    return await months_of(tx, villages, month) if bound else []


async def page_of_months(
    tx: Tx, division_id: int, month: date, *, after: DivisionCode | None, limit: int
) -> Sequence[asyncpg.Record]:
    """The villages below a division, by code, behind the one that `after` names, with what they are asked for."""
    return await tx.fetch(_PAGE, division_id, month, after and str(after), limit)


async def largest_asks(tx: Tx, villages: Sequence[int], month: date, limit: int) -> Sequence[asyncpg.Record]:
    """The asks that fill these villages' month, at most `limit` of each, the largest first."""
    return await tx.fetch(_LARGEST, list(villages), month, limit)


async def insert_budget(tx: Tx, event: BudgetChanged, division_id: int) -> None:
    """Keep the change; earlier ones stay as the history."""
    await tx.execute(
        "INSERT INTO burden_budget (division_id, from_month, hours_per_village, changed_by, changed_on)"
        " VALUES ($1, $2, $3, $4, $5)",
        *(division_id, event.from_month, event.hours_per_village, tx.actor.subject, event.changed_on),
    )


async def list_budgets(tx: Tx, *, after: int | None, limit: int) -> Sequence[asyncpg.Record]:
    """Every change that binds the actor or lies below it, the newest first, before the one that `after` names."""
    return await tx.fetch(
        "SELECT b.seq, d.code AS division, b.from_month, b.hours_per_village, b.changed_on FROM burden_budget b"
        " JOIN division d ON d.id = b.division_id WHERE ($1::bigint IS NULL OR b.seq < $1)"
        " ORDER BY b.seq DESC LIMIT $2",
        after,
        limit,
    )
