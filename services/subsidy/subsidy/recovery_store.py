"""Every SQL statement on claims for money that was paid too much, and what came of them."""

from datetime import date
from uuid import UUID

import asyncpg

from qingdan.money import Fen
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy.adjustment_rules import Adjustment
from subsidy.recovery_rules import Claim, RecoveryId, RecoveryState

# Each claim is of the first obligation of the month that was paid, where that is.
_CLAIM = """
WITH claimed AS (
    INSERT INTO recovery_claim (adjustment_id, programme, beneficiary, occurrence, obligation_id, payee, division_id,
                                department, amount_fen, claimed_by, claimed_on)
    SELECT i.adjustment_id, i.programme, i.beneficiary, i.occurrence, o.id, o.payee, o.division_id, o.department,
           -i.delta_fen, $3, $4
    FROM adjustment_item i CROSS JOIN LATERAL (
        SELECT b.* FROM obligation b JOIN payment p ON p.obligation_id = b.id AND p.state = 'settled'
        WHERE b.run_id = $2 AND b.programme = i.programme AND b.beneficiary = i.beneficiary
        AND (b.occurrence = i.occurrence OR starts_with(b.occurrence, i.occurrence || '+'))
        ORDER BY b.id LIMIT 1
    ) AS o
    WHERE i.adjustment_id = $1 AND i.delta_fen < 0 ORDER BY i.programme, i.beneficiary, i.occurrence
    RETURNING id, amount_fen, division_id, department
), moved AS (
    INSERT INTO recovery_move (claim_id, kind, amount_fen, entered_by, entered_on, division_id, department)
    SELECT id, 'claimed', amount_fen, $5, $4, division_id, department FROM claimed ORDER BY id RETURNING id
)
SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM moved
"""

_MOVE = """
INSERT INTO recovery_move (claim_id, kind, amount_fen, reference, entered_by, entered_on, division_id, department)
SELECT id, $2, $3, $4, $5, $6, division_id, department FROM recovery_claim WHERE id = $1
ON CONFLICT (claim_id, reference) WHERE kind = 'repaid' DO NOTHING RETURNING id
"""

_VIEW = """
SELECT c.id AS recovery, c.adjustment_id AS adjustment, c.programme, c.beneficiary, c.occurrence, c.payee,
       d.code AS division, c.department, c.amount_fen, c.recovered_fen, c.state, c.claimed_on, c.waived_by,
       c.waived_reason, c.version
FROM recovery_claim c JOIN division d ON d.id = c.division_id
"""


async def claim_recoveries(tx: Tx, adjustment: Adjustment, *, decided_by: str, today: date) -> list[int]:
    """Ask back what the adjustment says was too much; the numbers of the moves."""
    moves: list[int] = await tx.fetchval(
        _CLAIM, *(adjustment.id, adjustment.run, adjustment.prepared_by, today, decided_by)
    )
    return moves


async def lock_claim(tx: Tx, claim: RecoveryId, expected: Version) -> Claim:
    """The claim, held until the transaction ends, if it still has the version expected.

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(
        "SELECT id, amount_fen, recovered_fen, state, claimed_by, version FROM recovery_claim WHERE id = $1 FOR UPDATE",
        claim,
    )
    if row is None:
        raise NotFound(recovery=str(claim))
    if row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return Claim(
        id=row["id"],
        amount_fen=Fen(row["amount_fen"]),
        recovered_fen=Fen(row["recovered_fen"]),
        state=row["state"],
        claimed_by=row["claimed_by"],
        version=row["version"],
    )


async def insert_move(
    tx: Tx, claim: RecoveryId, kind: str, amount_fen: Fen, *, reference: str | None, entered_by: str, today: date
) -> int | None:
    """Its number; None: that receipt was entered for the claim already."""
    move: int | None = await tx.fetchval(_MOVE, claim, kind, amount_fen, reference, entered_by, today)
    return move


async def save_repaid(tx: Tx, claim: RecoveryId, amount_fen: Fen, state: RecoveryState) -> None:
    await tx.execute(
        "UPDATE recovery_claim SET recovered_fen = recovered_fen + $2, state = $3, version = version + 1 WHERE id = $1",
        *(claim, amount_fen, state),
    )


async def save_waived(tx: Tx, claim: RecoveryId, *, waived_by: str, reason: str) -> None:
    await tx.execute(
        "UPDATE recovery_claim SET state = 'waived', waived_by = $2, waived_reason = $3, version = version + 1"
        " WHERE id = $1",
        *(claim, waived_by, reason),
    )


async def find_claim(tx: Tx, claim: RecoveryId) -> asyncpg.Record:
    """A claim as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE c.id = $1", claim)
    if row is None:
        raise NotFound(recovery=str(claim))
    return row


async def list_claims(
    tx: Tx, *, state: str | None, adjustment: UUID | None, after: RecoveryId | None, limit: int
) -> list[asyncpg.Record]:
    """Claims by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR c.state = $1) AND ($2::uuid IS NULL OR c.adjustment_id = $2)"
        " AND ($3::uuid IS NULL OR c.id > $3) ORDER BY c.id LIMIT $4",
        *(state, adjustment, after, limit),
    )
