"""Every SQL statement on runs."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode, RunId
from qingdan.money import Fen
from qingdan.subsidy_events import Period, RunApproved, RunClosed, RunFrozen
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy.run_rules import Run

_RUN = """
SELECT r.id, r.division_id, d.code AS division, r.period, r.state, r.programme_version, r.prepared_by, r.frozen_by,
       r.approved_by, r.frozen_hash, r.notice_until, r.version, r.approvals_needed, r.frozen_items, r.frozen_fen
FROM run r JOIN division d ON d.id = r.division_id
"""

_VIEW = """
SELECT r.id AS run, d.code AS division, r.period, r.state, r.programme_version, r.reference_on, r.prepared_by,
       r.frozen_by, r.approved_by, encode(r.frozen_hash, 'hex') AS frozen_hash, r.notice_until, r.previewed_on,
       r.frozen_on, r.approved_on, r.closed_on, r.version, r.approvals_needed,
       ARRAY(SELECT a.approver FROM run_approval a WHERE a.run_id = r.id AND a.returns = r.returns
             ORDER BY a.approver) AS approvals, r.returns
FROM run r JOIN division d ON d.id = r.division_id
"""


async def claim_period(
    tx: Tx,
    run: RunId,
    *,
    division_id: int,
    period: Period,
    programme_version: int,
    reference_on: date,
    prepared_by: str,
    today: date,
) -> Run:
    """The run of that county and month, held until the transaction ends: a new one under the id given (its version
    is 0 then), or the one that is there already."""
    created: RunId | None = await tx.fetchval(
        "INSERT INTO run (id, division_id, period, state, programme_version, reference_on, prepared_by, previewed_on,"
        " version) VALUES ($1, $2, $3, 'previewed', $4, $5, $6, $7, 0) ON CONFLICT (division_id, period) DO NOTHING"
        " RETURNING id",
        *(run, division_id, period, programme_version, reference_on, prepared_by, today),
    )
    row = await tx.fetchrow(_RUN + "WHERE r.division_id = $1 AND r.period = $2 FOR UPDATE OF r", division_id, period)
    assert row is not None  # it was inserted just now, or it was what the insert ran into
    assert created is None or created == row["id"]
    return _run(row)


async def save_previewed(
    tx: Tx, run: RunId, *, programme_version: int, reference_on: date, prepared_by: str, today: date
) -> None:
    """A run was computed, for the first time or again."""
    await tx.execute(
        "UPDATE run SET programme_version = $2, reference_on = $3, prepared_by = $4, previewed_on = $5,"
        " version = version + 1 WHERE id = $1",
        *(run, programme_version, reference_on, prepared_by, today),
    )


async def lock_run(tx: Tx, run: RunId, expected: Version | None) -> Run:
    """The run, held until the transaction ends, if it still has the version expected (None: any).

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(_RUN + "WHERE r.id = $1 FOR UPDATE OF r", run)
    if row is None:
        raise NotFound(run=str(run))
    if expected is not None and row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return _run(row)


async def read_run(tx: Tx, run: RunId) -> Run:
    """The run as it is now. Raises NotFound."""
    row = await tx.fetchrow(_RUN + "WHERE r.id = $1", run)
    if row is None:
        raise NotFound(run=str(run))
    return _run(row)


async def find_run(tx: Tx, run: RunId) -> asyncpg.Record:
    """A run as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE r.id = $1", run)
    if row is None:
        raise NotFound(run=str(run))
    return row


async def list_runs(tx: Tx, *, state: str | None, after: RunId | None, limit: int) -> Sequence[asyncpg.Record]:
    """Runs by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR r.state = $1) AND ($2::uuid IS NULL OR r.id > $2) ORDER BY r.id LIMIT $3",
        state,
        after,
        limit,
    )


def _run(row: asyncpg.Record) -> Run:
    return Run(
        id=row["id"],
        division=DivisionCode(row["division"]),
        division_id=row["division_id"],
        period=row["period"],
        state=row["state"],
        programme_version=row["programme_version"],
        prepared_by=row["prepared_by"],
        frozen_by=row["frozen_by"],
        approved_by=row["approved_by"],
        frozen_hash=row["frozen_hash"],
        notice_until=row["notice_until"],
        version=row["version"],
        approvals_needed=row["approvals_needed"],
        frozen_items=row["frozen_items"],
        frozen_fen=row["frozen_fen"],
    )


async def save_frozen(
    tx: Tx, event: RunFrozen, *, frozen_by: str, items: int, total_fen: Fen, approvals_needed: int
) -> None:
    assert event.frozen_hash is not None
    frozen_hash = bytes.fromhex(event.frozen_hash)
    await tx.execute(
        "UPDATE run SET state = 'frozen', frozen_by = $2, frozen_hash = $3, notice_until = $4, frozen_on = $5,"
        " frozen_items = $6, frozen_fen = $7, approvals_needed = $8, version = version + 1 WHERE id = $1",
        *(event.run, frozen_by, frozen_hash, event.notice_until, event.frozen_on, items, total_fen, approvals_needed),
    )


async def approvers_of(tx: Tx, run: RunId) -> list[str]:
    """Who has approved the run as it is frozen, the same order always."""
    rows = await tx.fetch(
        "SELECT a.approver FROM run_approval a JOIN run r ON r.id = a.run_id AND r.returns = a.returns"
        " WHERE a.run_id = $1 ORDER BY a.approver",
        run,
    )
    return [row["approver"] for row in rows]


async def insert_approval(tx: Tx, run: Run, approver: str, *, today: date) -> None:
    """Somebody approved what they saw; the run is another version by it."""
    await tx.execute(
        "INSERT INTO run_approval (run_id, approver, division_id, frozen_hash, approved_on)"
        " VALUES ($1, $2, $3, $4, $5)",
        *(run.id, approver, run.division_id, run.frozen_hash, today),
    )
    await save_changed(tx, run.id)


async def save_approved(tx: Tx, event: RunApproved, *, approved_by: str) -> None:
    """The last approval that was needed: insert_approval counted the version."""
    await tx.execute(
        "UPDATE run SET state = 'approved', approved_by = $2, approved_on = $3 WHERE id = $1",
        *(event.run, approved_by, event.approved_on),
    )


async def lock_next_to_instruct(tx: Tx, bank: BankCode) -> Run | None:
    """The run that has waited longest with something prepared, or approved with nothing new in it; None: there is none.

    Not before everything that was approved is owed. Held until the transaction ends; one that another replica holds is
    passed over, and so is what is prepared in a county that this bank is paid for by files.
    """
    # The first by id and not EXISTS, which a plan of before there were payments answers by reading all that have gone.
    row = await tx.fetchrow(
        _RUN + "CROSS JOIN LATERAL (SELECT (SELECT p.id FROM payment p"  # noqa: S608
        " WHERE p.run_id = r.id AND p.state = 'prepared' AND p.waits_for IS NULL ORDER BY p.id, p.attempt LIMIT 1"
        ") IS NOT NULL AS waits) AS w"
        " WHERE (r.state = 'approved' OR (r.state = 'paying' AND w.waits)) AND NOT (EXISTS (SELECT 1 FROM bank_profile"
        " b WHERE b.division_id = r.division_id AND b.bank = $1 AND b.channel = 'file') AND w.waits)"
        " AND NOT EXISTS (SELECT 1 FROM run_obliging o WHERE o.run_id = r.id AND o.ended_at IS NULL)"
        " ORDER BY r.approved_on, r.id LIMIT 1 FOR UPDATE OF r SKIP LOCKED",
        bank,
    )
    return None if row is None else _run(row)


async def save_paying(tx: Tx, run: RunId) -> None:
    """Everything prepared has gone out, or a closed run is open again."""
    await tx.execute("UPDATE run SET state = 'paying', closed_on = NULL, version = version + 1 WHERE id = $1", run)


async def save_changed(tx: Tx, run: RunId) -> None:
    """Something that belongs to the run changed: its statement, or what was made of it."""
    await tx.execute("UPDATE run SET version = version + 1 WHERE id = $1", run)


async def save_closed(tx: Tx, event: RunClosed) -> None:
    await tx.execute(
        "UPDATE run SET state = 'closed', closed_on = $2, version = version + 1 WHERE id = $1",
        *(event.run, event.closed_on),
    )
