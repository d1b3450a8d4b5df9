"""Every SQL statement on the burden ledger, which the tables of shares and asks keep up to date by triggers."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import asyncpg

from qingdan.burden_events import BurdenLine, BurdenReported
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import ItemCode, ShareId
from runtime.db import Tx
from tasks.burden_rules import ITEMS_MAX, LINES_MAX

# A task is counted once, at the first of its villages that lie below the division; a village has only its shares.
_ASKS: Final = "CASE $2 WHEN 'village' THEN b.shares WHEN 'township' THEN b.asks_in_town ELSE b.asks END"
_BELOW: Final = "FROM division_closure c JOIN burden b ON b.division_id = c.descendant_id"
_COUNTS: Final = f"""
sum({_ASKS})::bigint AS asks, sum(b.shares)::bigint AS shares, sum(b.hours)::bigint AS hours,
sum(b.beyond_budget)::bigint AS beyond_budget, sum(b.refused_at_gate)::bigint AS refused_at_gate,
sum(b.refused_by_villages)::bigint AS refused_by_villages, sum(b.merged)::bigint AS merged
"""

_LINES = f"""
SELECT b.department, coalesce(i.category, 'other') AS category, {_COUNTS} {_BELOW}
LEFT JOIN list_item i ON i.list_code = 'village' AND i.version = b.list_version AND i.code = b.item_code
WHERE c.ancestor_id = $1 AND b.month BETWEEN $3 AND $4 GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $5
"""

_MONTHS = f"""
SELECT b.month, {_COUNTS}, sum(b.unpriced)::bigint AS unpriced, sum(b.withdrawn)::bigint AS withdrawn
{_BELOW} WHERE c.ancestor_id = $1 AND b.month = ANY($3::date[]) GROUP BY b.month
"""

_USED = f"""
SELECT DISTINCT b.item_code {_BELOW}
WHERE c.ancestor_id = $1 AND b.month BETWEEN $2 AND $3 AND b.shares > 0 AND b.item_code <> ''
"""

_ALWAYS_LATE = """
SELECT t.item_code FROM division_closure c JOIN item_timeliness t ON t.division_id = c.descendant_id
WHERE c.ancestor_id = $1 AND t.month BETWEEN $2 AND $3 AND t.item_code <> ''
GROUP BY t.item_code HAVING sum(t.on_time) = 0 ORDER BY t.item_code LIMIT $4
"""

# In the order of the ledger's key, in which whoever asks writes it: neither waits for the other crosswise.
_LOCK = """
SELECT b.division_id FROM burden b WHERE (b.division_id, b.month, b.department, b.item_code, b.list_version) IN (
    SELECT s.division_id, date_trunc('month', s.published_on)::date, s.department, coalesce(s.item_code, ''),
           coalesce(s.list_version, 0) FROM share s WHERE s.id = ANY($1::uuid[]))
ORDER BY b.division_id, b.month, b.department, b.item_code, b.list_version FOR UPDATE
"""

# Where nothing was ever asked there is nothing to report; a month that was missed is made good.
_DUE = """
SELECT d.id, d.code, d.level, due.month
FROM division d CROSS JOIN LATERAL (
    SELECT coalesce((SELECT max(r.month) + interval '1 month' FROM burden_report r WHERE r.division_id = d.id),
                    $1)::date AS month
) AS due
WHERE d.level IN ('county', 'township') AND d.valid_to IS NULL AND due.month <= $1 AND EXISTS (
    SELECT 1 FROM division_closure c JOIN burden b ON b.division_id = c.descendant_id
    WHERE c.ancestor_id = d.id AND b.month <= due.month)
ORDER BY due.month, d.id LIMIT 1
"""

_INSERT_REPORT = """
INSERT INTO burden_report (division_id, month, items_never_used, items_always_late, reported_on)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (division_id, month) DO NOTHING RETURNING true
"""

_REPORTS = """
SELECT r.month, d.code AS division, r.items_never_used, r.items_always_late, r.reported_on, (
    SELECT coalesce(json_agg(to_jsonb(l) - 'division_id' - 'month' ORDER BY l.department, l.category), '[]')
    FROM burden_report_line l WHERE l.division_id = r.division_id AND l.month = r.month
) AS lines
FROM burden_report r JOIN division d ON d.id = r.division_id
WHERE ($1::text IS NULL OR d.code = $1) AND ($2::date IS NULL OR (r.month, d.code) < ($2, $3))
ORDER BY r.month DESC, d.code DESC LIMIT $4
"""


async def lines_of(tx: Tx, division_id: int, level: DivisionLevel, first: date, last: date) -> list[BurdenLine]:
    """What each department asked of the villages below a division in these months, by part of the list."""
    rows = await tx.fetch(_LINES, division_id, level, first, last, LINES_MAX)
    return [BurdenLine(**dict(row)) for row in rows]


async def months_of(
    tx: Tx, division_id: int, level: DivisionLevel, months: Sequence[date]
) -> dict[date, dict[str, int]]:
    """The sums of these months, by count; a month in which nothing happened is left out."""
    rows = await tx.fetch(_MONTHS, division_id, level, list(months))
    return {row["month"]: {name: row[name] for name in row.keys() if name != "month"} for row in rows}  # noqa: SIM118


async def used_items(tx: Tx, division_id: int, first: date, last: date) -> set[str]:
    """The items under which villages below a division were asked anything in these months."""
    return {row["item_code"] for row in await tx.fetch(_USED, division_id, first, last)}


async def items_always_late(tx: Tx, division_id: int, first: date, last: date) -> list[ItemCode]:
    """The items of which villages finished something in these months, and nothing of it on time."""
    return [row["item_code"] for row in await tx.fetch(_ALWAYS_LATE, division_id, first, last, ITEMS_MAX)]


async def lock_rows_of(tx: Tx, shares: Sequence[ShareId]) -> None:
    """Hold what the ledger says of these shares, before several of them change in whatever order."""
    await tx.execute(_LOCK, list(shares))


async def find_due_report(tx: Tx, month: date) -> asyncpg.Record | None:
    """A county or township (id, code, level) whose report of a month up to this one is missing, the oldest first."""
    return await tx.fetchrow(_DUE, month)


async def insert_report(tx: Tx, event: BurdenReported, division_id: int) -> bool:
    """Keep a month's report; return whether it is the first of its division and month."""
    first = await tx.fetchval(
        _INSERT_REPORT,
        *(division_id, event.month, event.items_never_used, event.items_always_late, event.reported_on),
    )
    if first is None:
        return False
    await tx.executemany(
        "INSERT INTO burden_report_line (division_id, month, department, category, asks, shares, hours, beyond_budget,"
        " refused_at_gate, refused_by_villages, merged) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [(division_id, event.month, *line.model_dump().values()) for line in event.lines],
    )
    return True


async def list_reports(
    tx: Tx, *, division: DivisionCode | None, after: tuple[date, DivisionCode] | None, limit: int
) -> Sequence[asyncpg.Record]:
    """Reports, the newest month first, behind the one that `after` names; `lines` is JSON."""
    month, code = after or (None, None)
    return await tx.fetch(_REPORTS, division and str(division), month, code and str(code), limit)
