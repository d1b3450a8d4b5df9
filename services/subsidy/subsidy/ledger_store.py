"""Every SQL statement on the ledger: only added to, each entry a row that names both its accounts."""

from collections.abc import Sequence
from uuid import UUID

from runtime.db import Tx
from subsidy.payment_rules import Account, Posting

_POST_OBLIGATIONS = """
INSERT INTO ledger_entry (obligation_id, kind, leaves, enters, amount_fen, division_id, department)
SELECT id, 'approved', 'budget', 'payable', amount_fen, division_id, department
FROM obligation WHERE id = ANY($1::uuid[]) ORDER BY id
"""

# A payment has at most one entry of each kind: the unique key refuses the second.
_POST_PAYMENTS = """
INSERT INTO ledger_entry (obligation_id, payment_id, kind, leaves, enters, amount_fen, division_id, department)
SELECT p.obligation_id, p.id, e.kind, e.leaves, e.enters, p.amount_fen, p.division_id, p.department
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS e(payment, kind, leaves, enters)
JOIN payment p ON p.id = e.payment
"""

_POST_MOVES = """
INSERT INTO ledger_entry (obligation_id, kind, leaves, enters, amount_fen, division_id, department, move_id)
SELECT c.obligation_id, m.kind, $2, $3, m.amount_fen, c.division_id, c.department, m.id
FROM recovery_move m JOIN recovery_claim c ON c.id = m.claim_id WHERE m.id = ANY($1::bigint[]) ORDER BY m.id
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
