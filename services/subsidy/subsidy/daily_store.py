"""Every SQL statement on banks' daily statements and on how they differ from our payments and books of the day."""

from datetime import date, timedelta

import asyncpg

from qingdan.ids import BankCode
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy.camt053_rules import DailyStatement
from subsidy.daily_rules import Before, DailyStatementId, Difference, Explanation, StatementTakenAlready

# By the books: money has left when `settled` was entered, or its way back; it is back when that was. What came back has
# moved twice, and only its last day is known to us.
_FOUND = """
WITH st AS (SELECT id, division_id, bank, on_date FROM daily_statement WHERE id = $1),
listed AS (
    SELECT e.number, e.payment_id, e.credit, e.amount_fen, e.bank_reference, p.id AS ours, p.state,
           p.amount_fen AS our_fen, p.bank_reference AS our_reference,
           EXISTS (SELECT 1 FROM ledger_entry l WHERE l.obligation_id = p.obligation_id
               AND l.payment_id = p.id AND (
               l.kind IN ('returned', 'reversed') OR (l.kind = 'settled' AND NOT e.credit))) AS booked,
           EXISTS (SELECT 1 FROM daily_entry o JOIN daily_statement os ON os.id = o.statement_id
                   WHERE o.payment_id = e.payment_id AND o.credit = e.credit AND os.bank = st.bank
                   AND os.division_id = st.division_id
                   AND (os.on_date, o.number) < (st.on_date, e.number)) AS listed_before
    FROM st JOIN daily_entry e ON e.statement_id = st.id
    LEFT JOIN LATERAL (
        SELECT p.id, p.obligation_id, p.state, p.amount_fen, p.bank_reference
        FROM payment p JOIN run r ON r.id = p.run_id
        WHERE p.id = e.payment_id AND p.bank = st.bank AND r.division_id = st.division_id
    ) AS p ON true
),
missing AS (
    SELECT p.id, p.state, p.amount_fen
    FROM st JOIN payment p ON p.bank = st.bank AND p.ended_on = st.on_date AND p.batch_id IS NOT NULL
    JOIN run r ON r.id = p.run_id AND r.division_id = st.division_id
    WHERE p.state <> 'rejected' AND NOT EXISTS (
        SELECT 1 FROM daily_entry e JOIN daily_statement es ON es.id = e.statement_id
        WHERE e.payment_id = p.id AND e.credit = (p.state <> 'settled') AND es.bank = st.bank
        AND es.division_id = st.division_id)
),
found AS (
    SELECT CASE WHEN ours IS NULL THEN 'not_ours' WHEN listed_before THEN 'listed_twice'
                WHEN amount_fen <> our_fen THEN 'amount_differs' WHEN NOT booked THEN 'status_differs'
                WHEN NOT credit AND state = 'settled' AND bank_reference <> our_reference THEN 'reference_differs'
           END AS kind, number AS entry, payment_id, state AS our_state, our_fen, credit AS bank_credit,
           amount_fen AS bank_fen
    FROM listed
    UNION ALL
    SELECT 'not_on_statement', NULL, id, state, amount_fen, NULL, NULL FROM missing
)
"""

_COMPARE = f"""
{_FOUND}, went AS (
    UPDATE daily_difference d SET state = 'gone', gone_at = clock_timestamp(), version = d.version + 1
    WHERE d.statement_id = $1 AND d.state <> 'gone' AND NOT EXISTS (
        SELECT 1 FROM found f WHERE f.kind = d.kind AND f.entry IS NOT DISTINCT FROM d.entry
        AND f.payment_id IS NOT DISTINCT FROM d.payment_id)
)
INSERT INTO daily_difference AS d (statement_id, division_id, kind, entry, payment_id, our_state, our_fen, bank_credit,
                                   bank_fen)
SELECT st.id, st.division_id, f.kind, f.entry, f.payment_id, f.our_state, f.our_fen, f.bank_credit, f.bank_fen
FROM st CROSS JOIN found f WHERE f.kind IS NOT NULL ORDER BY f.entry, f.payment_id
ON CONFLICT (statement_id, kind, entry, payment_id) DO UPDATE SET
    our_state = excluded.our_state, our_fen = excluded.our_fen, version = d.version + 1,
    state = CASE d.state WHEN 'gone' THEN 'open' ELSE d.state END, gone_at = NULL,
    explanation = CASE d.state WHEN 'gone' THEN NULL ELSE d.explanation END,
    note = CASE d.state WHEN 'gone' THEN NULL ELSE d.note END,
    explained_by = CASE d.state WHEN 'gone' THEN NULL ELSE d.explained_by END,
    confirmed_by = CASE d.state WHEN 'gone' THEN NULL ELSE d.confirmed_by END
WHERE d.state = 'gone' OR d.our_state IS DISTINCT FROM excluded.our_state
"""  # noqa: S608

_VIEW = """
SELECT s.id AS statement, v.code AS division, s.bank, s.number, s.on_date, s.opening_fen, s.credit_fen, s.debit_fen,
       s.closing_fen, s.entries, encode(s.sha256, 'hex') AS sha256, s.taken_by, s.taken_at, s.compared_at,
       d.open, d.explained, d.confirmed, d.gone
FROM daily_statement s JOIN division v ON v.id = s.division_id CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'explained') AS explained,
           count(*) FILTER (WHERE state = 'confirmed') AS confirmed, count(*) FILTER (WHERE state = 'gone') AS gone
    FROM daily_difference WHERE statement_id = s.id
) AS d
"""

_DIFFERENCE_VIEW = """
SELECT id AS difference, statement_id AS statement, kind, entry, payment_id AS payment, our_state, our_fen, bank_credit,
       bank_fen, state, explanation, note, explained_by, confirmed_by, found_at, gone_at, version
FROM daily_difference
"""


async def hold_account(tx: Tx, division_id: int, bank: BankCode) -> None:
    """Nobody else takes a statement of this county's bank until the transaction ends."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('daily_statement ' || $1::int || ' ' || $2::text, 0))",
        *(division_id, bank),
    )


async def newest(tx: Tx, division_id: int, bank: BankCode, account: str) -> Before | None:
    """The newest statement of the account; None: there is none."""
    row = await tx.fetchrow(
        "SELECT number, on_date, closing_fen FROM daily_statement"
        " WHERE division_id = $1 AND bank = $2 AND account = $3 ORDER BY on_date DESC LIMIT 1",
        *(division_id, bank, account),
    )
    return None if row is None else Before(row["number"], row["on_date"], row["closing_fen"])


async def insert_statement(
    tx: Tx,
    id_: DailyStatementId,
    division_id: int,
    bank: BankCode,
    statement: DailyStatement,
    *,
    sha256: bytes,
    taken_by: str,
) -> None:
    """With its entries. Raises StatementTakenAlready for a number that the bank has given before."""
    inserted = await tx.execute(
        "INSERT INTO daily_statement (id, division_id, bank, account, number, on_date, opening_fen, credit_fen,"
        " debit_fen, closing_fen, entries, sha256, taken_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
        *(id_, division_id, bank, statement.account, statement.number, statement.on, statement.opening_fen),
        *(statement.credit_fen, statement.debit_fen, statement.closing_fen, len(statement.entries), sha256, taken_by),
    )
    if inserted == "INSERT 0 0":
        raise StatementTakenAlready()
    entries = statement.entries
    await tx.execute(
        "INSERT INTO daily_entry (statement_id, division_id, number, payment_id, credit, amount_fen, bank_reference,"
        " status) SELECT $1, $2, * FROM unnest($3::int[], $4::uuid[], $5::boolean[], $6::bigint[], $7::text[],"
        " $8::text[])",
        *(id_, division_id),
        [each.number for each in entries],
        [each.payment for each in entries],
        [each.credit for each in entries],
        [each.amount_fen for each in entries],
        [each.bank_reference for each in entries],
        [each.status for each in entries],
    )


async def compare(tx: Tx, statement: DailyStatementId) -> None:
    """Write down how the statement differs from our books just now; what does not any more is gone."""
    await tx.execute(_COMPARE, statement)
    await tx.execute("UPDATE daily_statement SET compared_at = clock_timestamp() WHERE id = $1", statement)


async def lock_next_to_compare(tx: Tx, *, since: timedelta) -> DailyStatementId | None:
    """A statement with unsettled differences that was last compared so long ago, held; None: there is none."""
    found = await tx.fetchval(
        "SELECT s.id FROM daily_statement s WHERE s.compared_at <= clock_timestamp() - $1::interval AND EXISTS ("
        "SELECT 1 FROM daily_difference d WHERE d.statement_id = s.id AND d.state IN ('open', 'explained'))"
        " ORDER BY s.compared_at LIMIT 1 FOR UPDATE OF s SKIP LOCKED",
        since,
    )
    return None if found is None else DailyStatementId(found)


async def lock_statement(tx: Tx, statement: DailyStatementId) -> None:
    """Held until the transaction ends. Raises NotFound."""
    if await tx.fetchval("SELECT 1 FROM daily_statement WHERE id = $1 FOR UPDATE", statement) is None:
        raise NotFound(statement=str(statement))


async def find_statement(tx: Tx, statement: DailyStatementId) -> asyncpg.Record:
    """A statement as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE s.id = $1", statement)
    if row is None:
        raise NotFound(statement=str(statement))
    return row


async def list_statements(
    tx: Tx, *, bank: BankCode | None, on: date | None, after: DailyStatementId | None, limit: int
) -> list[asyncpg.Record]:
    """Statements in the order in which they were taken, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR s.bank = $1) AND ($2::date IS NULL OR s.on_date = $2)"
        " AND ($3::uuid IS NULL OR s.id > $3) ORDER BY s.id LIMIT $4",
        *(bank, on, after, limit),
    )


async def list_differences(
    tx: Tx, statement: DailyStatementId, *, state: str | None, after: int | None, limit: int
) -> list[asyncpg.Record]:
    """Differences of a statement by number, after the one that `after` names."""
    return await tx.fetch(
        _DIFFERENCE_VIEW + "WHERE statement_id = $1 AND ($2::text IS NULL OR state = $2)"
        " AND ($3::bigint IS NULL OR id > $3) ORDER BY id LIMIT $4",
        *(statement, state, after, limit),
    )


async def find_difference(tx: Tx, difference: int) -> asyncpg.Record:
    """As it is shown; it is known to be there."""
    row = await tx.fetchrow(_DIFFERENCE_VIEW + "WHERE id = $1", difference)
    assert row is not None  # it was locked a moment ago
    return row


async def lock_difference(tx: Tx, difference: int, expected: Version) -> Difference:
    """Held until the transaction ends, if it still has the version expected. Raises NotFound, StaleVersion."""
    row = await tx.fetchrow(
        "SELECT id, state, explained_by, version FROM daily_difference WHERE id = $1 FOR UPDATE", difference
    )
    if row is None:
        raise NotFound(difference=difference)
    if row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return Difference(row["id"], row["state"], row["explained_by"], row["version"])


async def save_explained(tx: Tx, difference: int, explanation: Explanation, note: str, *, explained_by: str) -> None:
    await tx.execute(
        "UPDATE daily_difference SET state = 'explained', explanation = $2, note = $3, explained_by = $4,"
        " confirmed_by = NULL, version = version + 1 WHERE id = $1",
        *(difference, explanation, note, explained_by),
    )


async def save_confirmed(tx: Tx, difference: int, *, confirmed_by: str) -> None:
    await tx.execute(
        "UPDATE daily_difference SET state = 'confirmed', confirmed_by = $2, version = version + 1 WHERE id = $1",
        *(difference, confirmed_by),
    )


async def save_sent_back(tx: Tx, difference: int) -> None:
    """The explanation does not hold: the difference is open again."""
    await tx.execute(
        "UPDATE daily_difference SET state = 'open', explanation = NULL, note = NULL, explained_by = NULL,"
        " version = version + 1 WHERE id = $1",
        difference,
    )
