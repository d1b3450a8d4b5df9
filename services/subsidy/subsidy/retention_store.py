"""Every SQL statement on how long what a run was computed from is kept, and on its removal."""

from datetime import date
from typing import NamedTuple

from qingdan.ids import RunId
from runtime.db import Tx
from subsidy.retention_rules import Keeping


async def keeping_of(tx: Tx, run: RunId) -> Keeping:
    """What became of what the run was computed from."""
    row = await tx.fetchrow(
        "SELECT s.run_id IS NOT NULL AS anything, s.kept_at, g.removed_on, g.kept_years FROM (SELECT $1::uuid) AS r(id)"
        " LEFT JOIN run_snapshot s ON s.run_id = r.id AND s.section = 'county' AND s.number = 0"
        " LEFT JOIN run_snapshot_removed g ON g.run_id = r.id",
        run,
    )
    assert row is not None  # it is one row whatever is there
    return Keeping(*row)


class ClosedRun(NamedTuple):
    """A closed run that something is kept of."""

    id: RunId
    division_id: int
    closed_on: date


async def lock_run_out_of_time(tx: Tx, closed_before: date) -> ClosedRun | None:
    """The run that was closed first of those closed before that day that something is kept of, held until the
    transaction ends; one that another replica holds is passed over. None: there is none."""
    row = await tx.fetchrow(
        "SELECT r.id, r.division_id, r.closed_on FROM run r WHERE r.state = 'closed' AND r.closed_on < $1"
        " AND EXISTS (SELECT 1 FROM run_snapshot s WHERE s.run_id = r.id)"
        " ORDER BY r.closed_on, r.id LIMIT 1 FOR UPDATE OF r SKIP LOCKED",
        closed_before,
    )
    return None if row is None else ClosedRun(*row)


async def enter_removed(tx: Tx, run: ClosedRun, kept_years: int) -> date:
    """Enter that it was kept for so many years and is removed: the day. The database refuses it before its time."""
    removed_on: date = await tx.fetchval(
        "INSERT INTO run_snapshot_removed (run_id, division_id, kept_years) VALUES ($1, $2, $3) RETURNING removed_on",
        *(run.id, run.division_id, kept_years),
    )
    return removed_on


async def remove(tx: Tx, run: RunId) -> int:
    """Take away what it was computed from, of which it was entered that it goes; how many parts there were."""
    parts: int = await tx.fetchval(
        "WITH gone AS (DELETE FROM run_snapshot WHERE run_id = $1 RETURNING 1) SELECT count(*) FROM gone", run
    )
    return parts
