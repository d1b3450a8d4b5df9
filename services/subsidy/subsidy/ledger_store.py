"""Every SQL statement on the ledger: only added to, each entry with both its lines in one statement."""

from collections.abc import Sequence
from uuid import UUID

from runtime.db import Tx
from subsidy.payment_rules import Account, Posting

_POST_OBLIGATIONS = """
WITH entry AS (
    INSERT INTO ledger_entry (obligation_id, kind, division_id, department)
    SELECT id, 'approved', division_id, department FROM obligation WHERE id = ANY($1::uuid[]) ORDER BY id
    RETURNING id, obligation_id, division_id, department
)
INSERT INTO ledger_line (entry_id, account, amount_fen, division_id, department)
SELECT entry.id, side.account, side.sign * o.amount_fen, entry.division_id, entry.department
FROM entry JOIN obligation o ON o.id = entry.obligation_id
CROSS JOIN (VALUES ('budget', -1), ('payable', 1)) AS side(account, sign)
"""

# A payment has at most one entry of each kind: the unique key refuses the second.
_POST_PAYMENTS = """
WITH moved AS (
    SELECT p.id, p.obligation_id, p.division_id, p.department, p.amount_fen, e.kind, e.leaves, e.enters
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS e(payment, kind, leaves, enters)
    JOIN payment p ON p.id = e.payment
), entry AS (
    INSERT INTO ledger_entry (obligation_id, payment_id, kind, division_id, department)
    SELECT obligation_id, id, kind, division_id, department FROM moved
    RETURNING id, payment_id, kind, division_id, department
)
INSERT INTO ledger_line (entry_id, account, amount_fen, division_id, department)
SELECT entry.id, side.account, side.sign * m.amount_fen, entry.division_id, entry.department
FROM entry JOIN moved m ON m.id = entry.payment_id AND m.kind = entry.kind
CROSS JOIN LATERAL (VALUES (m.leaves, -1), (m.enters, 1)) AS side(account, sign)
"""

_POST_MOVES = """
WITH moved AS (
    SELECT m.id, m.kind, m.amount_fen, c.obligation_id, c.division_id, c.department
    FROM recovery_move m JOIN recovery_claim c ON c.id = m.claim_id WHERE m.id = ANY($1::bigint[])
), entry AS (
    INSERT INTO ledger_entry (obligation_id, kind, division_id, department, move_id)
    SELECT obligation_id, kind, division_id, department, id FROM moved ORDER BY id
    RETURNING id, move_id, division_id, department
)
INSERT INTO ledger_line (entry_id, account, amount_fen, division_id, department)
SELECT entry.id, side.account, side.sign * m.amount_fen, entry.division_id, entry.department
FROM entry JOIN moved m ON m.id = entry.move_id
CROSS JOIN (VALUES ($2::text, -1), ($3::text, 1)) AS side(account, sign)
"""


async def post_obligations(tx: Tx, obligations: Sequence[UUID]) -> None:
    """These are owed from now on: they leave the budget and are payable."""
    await tx.execute(_POST_OBLIGATIONS, obligations)


async def post_payments(tx: Tx, postings: Sequence[Posting]) -> None:
    """Money of these payments moves."""
    if not postings:
        return
    await tx.execute(
        _POST_PAYMENTS,
        [each.payment for each in postings],
        [each.kind for each in postings],
        [each.leaves for each in postings],
        [each.enters for each in postings],
    )


async def post_moves(tx: Tx, moves: Sequence[int], *, leaves: Account, enters: Account) -> None:
    """Money of these moves of claims (recovery_move), all of one kind, goes from one account to another."""
    await tx.execute(_POST_MOVES, moves, leaves, enters)
