"""Every SQL statement on the bank's statements and on how they differ from our books."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg

from qingdan.ids import PaymentId, RunId
from runtime.db import Tx
from subsidy.statement_rules import StatementLine

# What was never sent is on no statement; everything else is looked at from both sides. A statement has one word for
# money that came back, whoever sent it.
_DIFFERENCES = """
SELECT * FROM (
    SELECT coalesce(ours.id, theirs.payment_id) AS payment, ours.state AS our_state, ours.amount_fen AS our_fen,
           theirs.status AS bank_status, theirs.amount_fen AS bank_fen,
           CASE WHEN theirs.payment_id IS NULL THEN 'not_on_statement' WHEN ours.id IS NULL THEN 'not_ours'
                WHEN theirs.lines > 1 THEN 'listed_twice'
                WHEN CASE ours.state WHEN 'reversed' THEN 'returned' ELSE ours.state END <> theirs.status
                    THEN 'status_differs'
                WHEN ours.amount_fen <> theirs.amount_fen THEN 'amount_differs'
                WHEN ours.state = 'settled' AND ours.bank_reference <> theirs.bank_reference THEN 'reference_differs'
           END AS kind
    FROM (SELECT id, state, amount_fen, bank_reference FROM payment
          WHERE run_id = $1 AND batch_id IS NOT NULL) AS ours
    FULL JOIN (SELECT payment_id, count(*) AS lines, min(status) AS status, min(amount_fen) AS amount_fen,
                      min(bank_reference) AS bank_reference
               FROM statement_line WHERE statement_id = $2 GROUP BY payment_id) AS theirs
        ON theirs.payment_id = ours.id
) AS compared WHERE kind IS NOT NULL
"""


async def newest(tx: Tx, run: RunId) -> UUID | None:
    """The statement of the run that counts; None: none was taken."""
    statement: UUID | None = await tx.fetchval(
        "SELECT id FROM statement WHERE run_id = $1 ORDER BY id DESC LIMIT 1", run
    )
    return statement


async def insert_statement(tx: Tx, statement: UUID, run: RunId, *, taken_by: str) -> None:
    await tx.execute(
        "INSERT INTO statement (id, run_id, division_id, taken_by)"
        " SELECT $1, id, division_id, $3 FROM run WHERE id = $2",
        *(statement, run, taken_by),
    )


async def insert_lines(tx: Tx, statement: UUID, lines: Sequence[StatementLine]) -> int:
    """Add to a statement what it does not say yet; how many lines it has now."""
    await tx.execute(
        "INSERT INTO statement_line (statement_id, payment_id, status, amount_fen, bank_reference, division_id)"
        " SELECT s.id, e.payment, e.status, e.amount_fen, e.bank_reference, s.division_id FROM statement s,"
        " unnest($2::uuid[], $3::text[], $4::bigint[], $5::text[]) AS e(payment, status, amount_fen, bank_reference)"
        " WHERE s.id = $1 ON CONFLICT DO NOTHING",
        statement,
        [line.payment for line in lines],
        [line.status for line in lines],
        [line.amount_fen for line in lines],
        [line.bank_reference for line in lines],
    )
    stands: int = await tx.fetchval("SELECT lines FROM statement WHERE id = $1", statement)
    return stands


async def count_differences(tx: Tx, run: RunId, statement: UUID) -> int:
    """On how many payments the statement and our books differ just now."""
    differ: int = await tx.fetchval(f"SELECT count(*) FROM ({_DIFFERENCES}) AS d", run, statement)  # noqa: S608
    return differ


async def save_reconciliation(
    tx: Tx, reconciliation: UUID, run: RunId, statement: UUID, *, reconciled_by: str, reconciled_on: date
) -> int:
    """Write down how the statement differs from our books, from now on instead of what was found before; on how many
    payments."""
    await tx.execute(
        "INSERT INTO reconciliation (id, run_id, division_id, statement_id, reconciled_by, reconciled_on)"
        " SELECT $1, id, division_id, $3, $4, $5 FROM run WHERE id = $2",
        *(reconciliation, run, statement, reconciled_by, reconciled_on),
    )
    await tx.execute(
        "INSERT INTO difference (reconciliation_id, payment_id, kind, our_state, our_fen, bank_status, bank_fen,"  # noqa: S608
        " division_id)"
        " SELECT $3, d.payment, d.kind, d.our_state, d.our_fen, d.bank_status, d.bank_fen, r.division_id"
        f" FROM run r, ({_DIFFERENCES}) AS d WHERE r.id = $1",
        *(run, statement, reconciliation),
    )
    differ: int = await tx.fetchval("SELECT count(*) FROM difference WHERE reconciliation_id = $1", reconciliation)
    return differ


async def is_reconciled(tx: Tx, run: RunId, statement: UUID) -> bool:
    """Whether the newest reconciliation of the run compared this very statement and found nothing."""
    clean: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM (SELECT * FROM reconciliation WHERE run_id = $1 ORDER BY id DESC LIMIT 1) AS c"
        " WHERE c.statement_id = $2 AND NOT EXISTS (SELECT 1 FROM difference d WHERE d.reconciliation_id = c.id))",
        *(run, statement),
    )
    return clean


async def list_differences(tx: Tx, run: RunId, *, after: PaymentId | None, limit: int) -> list[asyncpg.Record]:
    """What the newest reconciliation of the run found, by payment, after the one that `after` names."""
    return await tx.fetch(
        "SELECT payment_id AS payment, kind, our_state, our_fen, bank_status, bank_fen FROM difference"
        " WHERE reconciliation_id = (SELECT id FROM reconciliation WHERE run_id = $1 ORDER BY id DESC LIMIT 1)"
        " AND ($2::uuid IS NULL OR payment_id > $2) ORDER BY payment_id LIMIT $3",
        *(run, after, limit),
    )
