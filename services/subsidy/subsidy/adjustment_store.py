"""Every SQL statement on adjustments themselves; what they come to is in adjustment_item_store."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import AdjustmentId, RunId
from qingdan.money import Fen
from qingdan.subsidy_events import Outcome, Period
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy.adjustment_rules import Adjustment

_ADJUSTMENT = """
SELECT a.id, a.run_id, d.code AS division, a.period, a.number, a.state, a.prepared_by, a.items_hash, a.arrears,
       a.arrears_fen, a.recoveries, a.recoveries_fen, a.version
FROM adjustment a JOIN division d ON d.id = a.division_id
"""

_VIEW = """
SELECT a.id AS adjustment, d.code AS division, a.period, a.run_id AS run, a.number, a.state, a.limited, a.prepared_by,
       a.computed_on, encode(a.items_hash, 'hex') AS items_hash, a.items, a.arrears, a.arrears_fen, a.recoveries,
       a.recoveries_fen, a.decided_by, a.decided_on, a.version
FROM adjustment a JOIN division d ON d.id = a.division_id
"""

_CLAIM = """
INSERT INTO adjustment AS a (id, division_id, period, run_id, number, limited, prepared_by, computed_on)
SELECT $1, r.division_id, r.period, r.id,
       1 + coalesce((SELECT max(b.number) FROM adjustment b
                     WHERE b.division_id = r.division_id AND b.period = r.period AND b.state = 'decided'), 0),
       $3, $4, $5
FROM run r WHERE r.id = $2
ON CONFLICT (division_id, period) WHERE state = 'proposed' DO UPDATE SET limited = excluded.limited,
    prepared_by = excluded.prepared_by, computed_on = excluded.computed_on, items_hash = NULL
RETURNING a.id
"""

_COUNTED = """
UPDATE adjustment a SET items_hash = $2, items = c.items, arrears = c.arrears, arrears_fen = c.arrears_fen,
       recoveries = c.recoveries, recoveries_fen = c.recoveries_fen, version = a.version + 1
FROM (SELECT count(*) AS items, count(*) FILTER (WHERE delta_fen > 0) AS arrears,
             coalesce(sum(delta_fen) FILTER (WHERE delta_fen > 0), 0)::bigint AS arrears_fen,
             count(*) FILTER (WHERE delta_fen < 0) AS recoveries,
             coalesce(-sum(delta_fen) FILTER (WHERE delta_fen < 0), 0)::bigint AS recoveries_fen
      FROM adjustment_item WHERE adjustment_id = $1) AS c
WHERE a.id = $1
"""


async def run_of_month(tx: Tx, division_id: int, period: Period) -> RunId | None:
    """The county's run of that month; None: there is none."""
    run: RunId | None = await tx.fetchval(
        "SELECT id FROM run WHERE division_id = $1 AND period = $2", division_id, period
    )
    return run


async def run_of(tx: Tx, adjustment: AdjustmentId) -> RunId:
    """The run that it adjusts, which is locked before the adjustment is. Raises NotFound."""
    run: RunId | None = await tx.fetchval("SELECT run_id FROM adjustment WHERE id = $1", adjustment)
    if run is None:
        raise NotFound(adjustment=str(adjustment))
    return run


async def claim_proposed(
    tx: Tx, adjustment: AdjustmentId, run: RunId, *, limited: bool, prepared_by: str, today: date
) -> AdjustmentId:
    """The open adjustment of that run's month: a new one under the id given, or the one that is proposed already, to be
    computed anew. The run is held by the caller."""
    claimed: AdjustmentId = await tx.fetchval(_CLAIM, adjustment, run, limited, prepared_by, today)
    return claimed


async def save_computed(tx: Tx, adjustment: AdjustmentId, items_hash: bytes) -> None:
    """Its items are there: count them, and keep the hash that a decision must name."""
    await tx.execute(_COUNTED, adjustment, items_hash)


async def lock_adjustment(tx: Tx, adjustment: AdjustmentId, expected: Version | None) -> Adjustment:
    """The adjustment, held until the transaction ends, if it still has the version expected (None: any).

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(_ADJUSTMENT + "WHERE a.id = $1 FOR UPDATE OF a", adjustment)
    if row is None:
        raise NotFound(adjustment=str(adjustment))
    if expected is not None and row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return Adjustment(
        id=row["id"],
        run=row["run_id"],
        division=DivisionCode(row["division"]),
        period=row["period"],
        number=row["number"],
        state=row["state"],
        prepared_by=row["prepared_by"],
        items_hash=row["items_hash"],
        arrears=Outcome(payments=row["arrears"], total_fen=Fen(row["arrears_fen"])),
        recoveries=Outcome(payments=row["recoveries"], total_fen=Fen(row["recoveries_fen"])),
        version=row["version"],
    )


async def save_decided(tx: Tx, adjustment: AdjustmentId, *, decided_by: str, today: date) -> None:
    await tx.execute(
        "UPDATE adjustment SET state = 'decided', decided_by = $2, decided_on = $3, version = version + 1"
        " WHERE id = $1",
        *(adjustment, decided_by, today),
    )


async def save_dropped(tx: Tx, adjustment: AdjustmentId) -> None:
    await tx.execute("UPDATE adjustment SET state = 'dropped', version = version + 1 WHERE id = $1", adjustment)


async def find_adjustment(tx: Tx, adjustment: AdjustmentId) -> asyncpg.Record:
    """An adjustment as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE a.id = $1", adjustment)
    if row is None:
        raise NotFound(adjustment=str(adjustment))
    return row


async def list_adjustments(
    tx: Tx, *, state: str | None, run: RunId | None, after: AdjustmentId | None, limit: int
) -> Sequence[asyncpg.Record]:
    """Adjustments by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR a.state = $1) AND ($2::uuid IS NULL OR a.run_id = $2)"
        " AND ($3::uuid IS NULL OR a.id > $3) ORDER BY a.id LIMIT $4",
        *(state, run, after, limit),
    )
