"""Every SQL statement on objections to public notices."""

import asyncpg

from qingdan.ids import ObjectionId, OpenCode, RunId
from qingdan.subsidy_events import ObjectionDecided, ObjectionRaised
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy.hold_rules import Hold
from subsidy.hold_store import Where
from subsidy.objection_rules import Item, Objection

_VIEW = """
SELECT o.id AS objection, o.run_id AS run, o.programme, o.beneficiary, o.occurrence, d.code AS division, o.department,
       e.amount_fen, o.reason, o.state, o.raised_by, o.raised_on, o.decided_by, o.decided_on, o.version
FROM objection o JOIN division d ON d.id = o.division_id
LEFT JOIN entitlement e ON e.run_id = o.run_id AND e.programme = o.programme AND e.beneficiary = o.beneficiary
    AND e.occurrence = o.occurrence
"""


async def insert_objection(tx: Tx, event: ObjectionRaised, hold: Hold, where: Where, *, reason: OpenCode) -> None:
    await tx.execute(
        "INSERT INTO objection (id, run_id, hold_id, programme, beneficiary, occurrence, reason, division_id,"
        " department, raised_by, raised_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(event.objection, event.run, hold.id, hold.programme, hold.beneficiary, hold.occurrence, reason),
        *(where.division_id, where.department, hold.placed_by, event.raised_on),
    )


async def is_waiting(tx: Tx, run: RunId, item: Item, raised_by: str) -> bool:
    """Whether that person waits for a decision on that item."""
    waiting: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM objection WHERE run_id = $1 AND programme = $2 AND beneficiary = $3"
        " AND occurrence = $4 AND raised_by = $5 AND state = 'raised')",
        *(run, item.programme, item.beneficiary, item.occurrence, raised_by),
    )
    return waiting


async def lock_objection(tx: Tx, objection: ObjectionId, expected: Version) -> Objection:
    """The objection, held until the transaction ends, if it still has the version expected.

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(
        "SELECT o.id, o.run_id, d.code, o.hold_id, o.programme, o.state, o.raised_by, o.version FROM objection o"
        " JOIN run r ON r.id = o.run_id JOIN division d ON d.id = r.division_id WHERE o.id = $1 FOR UPDATE OF o",
        objection,
    )
    if row is None:
        raise NotFound(objection=str(objection))
    if row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return Objection(*row[:-1])


async def save_decided(tx: Tx, event: ObjectionDecided, *, decided_by: str) -> None:
    await tx.execute(
        "UPDATE objection SET state = $2, decided_by = $3, decided_on = $4, version = version + 1 WHERE id = $1",
        *(event.objection, "upheld" if event.upheld else "dismissed", decided_by, event.decided_on),
    )


async def list_objections(
    tx: Tx, *, run: RunId | None, state: str | None, after: ObjectionId | None, limit: int
) -> list[asyncpg.Record]:
    """Objections by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::uuid IS NULL OR o.run_id = $1) AND ($2::text IS NULL OR o.state = $2)"
        " AND ($3::uuid IS NULL OR o.id > $3) ORDER BY o.id LIMIT $4",
        *(run, state, after, limit),
    )
