"""Every SQL statement on budgets."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from runtime.db import Tx, Version
from runtime.problems import StaleVersion
from subsidy.budget_rules import Budget, Budgeted, ProgrammeUnknown

# $1 year, $2 day, $3 a run or nobody's. What a run that is frozen, or still being entered, comes to is what it entitles
# to; of all others it is what they oblige to. Only runs of counties that have a budget are looked at.
_STANDING: Final = """
WITH in_force AS MATERIALIZED (
    SELECT DISTINCT ON (b.division_id, b.programme) b.division_id, b.programme, b.department, b.amount_fen,
           b.funding_source, b.effective_on, b.note, b.number
    FROM budget b WHERE b.year = $1::integer AND b.effective_on <= $2
        AND ($3::uuid IS NULL OR b.division_id = (SELECT division_id FROM run WHERE id = $3))
    ORDER BY b.division_id, b.programme, b.number DESC
), spending AS MATERIALIZED (
    SELECT r.id, r.division_id, r.state = 'frozen' OR EXISTS (
        SELECT 1 FROM run_obliging o WHERE o.run_id = r.id AND o.ended_at IS NULL) AS pending
    FROM run r WHERE starts_with(r.period, ($1::integer)::text || '-') AND r.state <> 'previewed'
        AND r.id IS DISTINCT FROM $3 AND r.division_id IN (SELECT division_id FROM in_force)
), obliged AS (
    SELECT s.division_id, o.programme, sum(o.amount_fen)::bigint AS fen
    FROM spending s JOIN obligation o ON o.run_id = s.id WHERE NOT s.pending GROUP BY s.division_id, o.programme
), frozen AS (
    SELECT s.division_id, e.programme, sum(e.amount_fen)::bigint AS fen
    FROM spending s JOIN entitlement e ON e.run_id = s.id AND e.status = 'entitled' WHERE s.pending
    GROUP BY s.division_id, e.programme
), wanted AS (
    SELECT programme, sum(amount_fen)::bigint AS fen FROM entitlement
    WHERE run_id = $3 AND status = 'entitled' GROUP BY programme
)
SELECT d.code AS division, b.programme, b.department, b.amount_fen AS budget_fen, b.funding_source, b.effective_on,
       b.note, b.number, coalesce(o.fen, 0) AS obliged_fen, coalesce(f.fen, 0) AS frozen_fen,
       coalesce(w.fen, 0) AS wanted_fen
FROM in_force b JOIN division d ON d.id = b.division_id
LEFT JOIN obliged o ON o.division_id = b.division_id AND o.programme = b.programme
LEFT JOIN frozen f ON f.division_id = b.division_id AND f.programme = b.programme
LEFT JOIN wanted w ON w.programme = b.programme
"""


async def standing_of(tx: Tx, run: RunId, *, period: str, on: date) -> list[Budgeted]:
    """How the programmes that the run's county has a budget for on that day stand in the year of the run's period, by
    code: one statement."""
    rows = await tx.fetch(f"{_STANDING} ORDER BY b.programme", int(period[:4]), on, run)
    return [Budgeted(**{name: row[name] for name in Budgeted.__dataclass_fields__}) for row in rows]


async def list_budgets(
    tx: Tx, year: int, on: date, *, division_id: int | None, after: tuple[str, str] | None, limit: int
) -> Sequence[asyncpg.Record]:
    """The budgets in force on that day with what is spent of them, by county and programme, from the one behind
    `after`."""
    return await tx.fetch(
        f"{_STANDING} WHERE ($4::integer IS NULL OR b.division_id = $4)"
        " AND ($5::text IS NULL OR (d.code, b.programme) > ($5, $6::text)) ORDER BY d.code, b.programme LIMIT $7",
        *(year, on, None, division_id, *(after or (None, None)), limit),
    )


async def list_amendments(tx: Tx, division_id: int, year: int, programme: ProgrammeCode) -> Sequence[asyncpg.Record]:
    """All that was set, the newest first; a year has few."""
    return await tx.fetch(
        "SELECT number, amount_fen, funding_source, effective_on, note, set_by, set_at FROM budget"
        " WHERE division_id = $1 AND year = $2 AND programme = $3 ORDER BY number DESC LIMIT 500",
        *(division_id, year, programme),
    )


async def lock_budget(tx: Tx, division: DivisionCode, year: int, programme: ProgrammeCode, expected: Version) -> None:
    """Nobody else amends this budget until the transaction ends; expected: how often it was set before.

    Raises StaleVersion.
    """
    key = f"budget/{division}/{year}/{programme}"
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
    version: int = await tx.fetchval(
        "SELECT coalesce(max(b.number), 0) FROM budget b JOIN division d ON d.id = b.division_id"
        " WHERE d.code = $1 AND d.valid_to IS NULL AND b.year = $2 AND b.programme = $3",
        *(str(division), year, programme),
    )
    if version != expected:
        raise StaleVersion(version=version)


async def department_of(tx: Tx, programme: ProgrammeCode) -> str:
    """Whose programme it is, by the newest version that has it. Raises ProgrammeUnknown."""
    department: str | None = await tx.fetchval(
        "SELECT department FROM programme WHERE code = $1 ORDER BY version DESC LIMIT 1", programme
    )
    if department is None:
        raise ProgrammeUnknown(programme=programme)
    return department


async def insert_budget(
    tx: Tx, division_id: int, year: int, programme: ProgrammeCode, budget: Budget, *, number: int, department: str
) -> None:
    """Another amendment; the one with the highest number counts once its day has come."""
    await tx.execute(
        "INSERT INTO budget (division_id, programme, year, number, department, amount_fen, funding_source,"
        " effective_on, note, set_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, app_actor())",
        *(division_id, programme, year, number, department),
        *(budget.amount_fen, budget.funding_source, budget.effective_on, budget.note),
    )
