"""Every SQL statement on holds, and on the items that were stopped for good."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from qingdan.ids import DoubtId, OpenCode, PersonId, RunId
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy.hold_rules import ALL_DEPARTMENTS, Hold, HoldId, HoldOutcome

_VIEW = """
SELECT h.id AS hold, h.beneficiary, h.programme, h.occurrence, h.run_id AS run, h.cause, h.cause_id, h.reason,
       d.code AS division, h.department, h.placed_by, h.placed_at, h.lifted_by, h.lifted_at, h.outcome, h.version
FROM hold h JOIN division d ON d.id = h.division_id
"""

# A doubt is of a person, who may not be known here (the root is then where it belongs). It is entered once, whatever is
# said of it again; one that was cleared before it was heard of is over as it is entered.
_DOUBT = """
INSERT INTO hold (id, beneficiary, cause, cause_id, reason, division_id, department, placed_by)
SELECT e.id, e.person, 'doubt', e.doubt, e.reason, coalesce(p.division_id, 1), $5, $6
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS e(id, doubt, person, reason)
LEFT JOIN person p ON p.id = e.person
ON CONFLICT (cause_id) WHERE cause = 'doubt' DO NOTHING
"""
_CLEAR = """
INSERT INTO hold AS h (id, beneficiary, cause, cause_id, reason, division_id, department, placed_by, lifted_by,
                       lifted_at, outcome)
SELECT e.id, e.person, 'doubt', e.doubt, 'cleared', coalesce(p.division_id, 1), $4, $5, $5, clock_timestamp(), 'resume'
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS e(id, doubt, person)
LEFT JOIN person p ON p.id = e.person
ON CONFLICT (cause_id) WHERE cause = 'doubt' DO UPDATE
SET lifted_by = excluded.lifted_by, lifted_at = excluded.lifted_at, outcome = 'resume', version = h.version + 1
WHERE h.lifted_at IS NULL
"""

# What is named item by item is stopped whether or not it is owed yet; of a wider hold, what waits to be sent.
_STOP = """
INSERT INTO stopped_item (programme, beneficiary, occurrence, hold_id, division_id, department)
SELECT programme, beneficiary, occurrence, id, division_id, department FROM hold
WHERE id = $1 AND occurrence IS NOT NULL
UNION ALL
SELECT o.programme, o.beneficiary, o.occurrence, h.id, o.division_id, o.department
FROM hold h CROSS JOIN (
    SELECT obligation_id FROM payment WHERE state = 'prepared' AND waits_for IS NULL
    UNION ALL SELECT obligation_id FROM payment WHERE waits_for IS NOT NULL
) AS p JOIN obligation o ON o.id = p.obligation_id
WHERE h.id = $1 AND h.occurrence IS NULL AND h.beneficiary IN (o.beneficiary, o.payee)
AND (h.programme IS NULL OR h.programme = o.programme AND h.beneficiary = o.beneficiary)
ON CONFLICT (programme, beneficiary, occurrence) DO NOTHING
"""


class Where(NamedTuple):
    """Whose a hold is to see."""

    division_id: int
    department: str


class Doubt(NamedTuple):
    """A doubt to be entered, under the id given."""

    id: HoldId
    doubt: DoubtId
    person: PersonId
    reason: OpenCode


async def place_of(tx: Tx, beneficiary: UUID) -> Where:
    """Where the person or household lives. Raises NotFound for what is out of scope."""
    division_id: int | None = await tx.fetchval(
        "SELECT division_id FROM person WHERE id = $1 UNION ALL SELECT division_id FROM household WHERE id = $1"
        " UNION ALL (SELECT division_id FROM entitlement WHERE beneficiary = $1 AND run_id = ("
        "SELECT id FROM run ORDER BY period DESC, id LIMIT 1) LIMIT 1) LIMIT 1",
        beneficiary,
    )
    if division_id is None:
        raise NotFound(beneficiary=str(beneficiary))
    return Where(division_id, ALL_DEPARTMENTS)


async def insert_hold(tx: Tx, hold: Hold, where: Where, *, run: RunId | None = None) -> None:
    """From the commit on nothing that it is of is sent."""
    await tx.execute(
        "INSERT INTO hold (id, beneficiary, programme, occurrence, run_id, cause, cause_id, reason, division_id,"
        " department, placed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(hold.id, hold.beneficiary, hold.programme, hold.occurrence, run, hold.cause, hold.cause_id, hold.reason),
        *(where.division_id, where.department, hold.placed_by),
    )


async def insert_doubts(tx: Tx, doubts: Sequence[Doubt], *, placed_by: str) -> None:
    """One hold for each doubt that was not heard of before, cleared or not."""
    await tx.execute(
        _DOUBT,
        [each.id for each in doubts],
        [each.doubt for each in doubts],
        [each.person for each in doubts],
        [each.reason for each in doubts],
        *(ALL_DEPARTMENTS, placed_by),
    )


async def clear_doubts(tx: Tx, doubts: Sequence[Doubt], *, lifted_by: str) -> None:
    """The doubts' holds are lifted, or entered as lifted."""
    await tx.execute(
        _CLEAR,
        [each.id for each in doubts],
        [each.doubt for each in doubts],
        [each.person for each in doubts],
        *(ALL_DEPARTMENTS, lifted_by),
    )


async def lock_hold(tx: Tx, hold: HoldId, expected: Version | None) -> Hold:
    """The hold, held until the transaction ends, if it still has the version expected (None: any).

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(
        "SELECT id, beneficiary, programme, occurrence, cause, cause_id, reason, placed_by,"
        " lifted_at IS NOT NULL AS lifted, version FROM hold WHERE id = $1 FOR UPDATE",
        hold,
    )
    if row is None:
        raise NotFound(hold=str(hold))
    if expected is not None and row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return Hold(*row[:-1])


async def save_lifted(tx: Tx, hold: HoldId, outcome: HoldOutcome, *, lifted_by: str) -> None:
    """It holds nothing any more; with `stop`, what it held is not paid for good."""
    await tx.execute(
        "UPDATE hold SET lifted_by = $2, lifted_at = clock_timestamp(), outcome = $3, version = version + 1"
        " WHERE id = $1",
        *(hold, lifted_by, outcome),
    )
    if outcome == "stop":
        await tx.execute(_STOP, hold)


async def find_hold(tx: Tx, hold: HoldId) -> asyncpg.Record:
    """A hold as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE h.id = $1", hold)
    if row is None:
        raise NotFound(hold=str(hold))
    return row


async def list_holds(
    tx: Tx, *, is_open: bool | None, causes: Collection[str] | None, after: HoldId | None, limit: int
) -> list[asyncpg.Record]:
    """Holds by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::boolean IS NULL OR (h.lifted_at IS NULL) = $1)"
        " AND ($2::text[] IS NULL OR h.cause = ANY($2)) AND ($3::uuid IS NULL OR h.id > $3) ORDER BY h.id LIMIT $4",
        *(is_open, causes, after, limit),
    )
