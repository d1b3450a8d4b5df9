"""Every SQL statement on frozen runs that came back before they were approved."""

import asyncpg

from qingdan.ids import RunId
from qingdan.subsidy_events import RunReturned
from runtime.db import Tx


async def enter(tx: Tx, event: RunReturned, *, approvals: int, returned_by: str) -> None:
    """What had been frozen is entered, and the run is a preview again."""
    await tx.execute(
        "INSERT INTO run_return (run_id, number, division_id, frozen_hash, frozen_by, frozen_on, notice_until,"
        " frozen_items, frozen_fen, approvals, reason, returned_by, returned_on)"
        " SELECT id, returns + 1, division_id, frozen_hash, frozen_by, frozen_on, notice_until, frozen_items,"
        " frozen_fen, $2, $3, $4, $5 FROM run WHERE id = $1",
        *(event.run, approvals, event.reason, returned_by, event.returned_on),
    )
    await tx.execute(
        "UPDATE run SET state = 'previewed', returns = returns + 1, frozen_by = NULL, frozen_hash = NULL,"
        " frozen_on = NULL, notice_until = NULL, frozen_items = NULL, frozen_fen = NULL, approvals_needed = 1,"
        " version = version + 1 WHERE id = $1",
        event.run,
    )


async def returns_of(tx: Tx, run: RunId) -> list[asyncpg.Record]:
    """Each time that it came back, the last one first."""
    return await tx.fetch(
        "SELECT number, encode(frozen_hash, 'hex') AS frozen_hash, frozen_by, frozen_on, notice_until, approvals,"
        " reason, returned_by, returned_on FROM run_return WHERE run_id = $1 ORDER BY number DESC",
        run,
    )
