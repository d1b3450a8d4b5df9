"""Every SQL statement on obligations: what a frozen run comes to, and what it obliges the county to once approved."""

from typing import NamedTuple

from qingdan.ids import RunId
from qingdan.money import Fen
from runtime.db import Tx

# Codes and not our own numbers of divisions: whoever has the list can compute the hash again. A fact holds no control
# character, so that U+001F and the line feed stand between the values and nowhere else.
_HASH = """
SELECT sha256(convert_to(coalesce(string_agg(
    concat_ws(E'\\x1f', e.programme, e.beneficiary, e.occurrence, e.kind, coalesce(e.payee::text, ''), d.code,
              e.amount_fen),
    E'\\n' ORDER BY e.programme COLLATE "C", e.beneficiary, e.occurrence COLLATE "C"), ''), 'UTF8'))
FROM entitlement e JOIN division d ON d.id = e.division_id
WHERE e.run_id = $1 AND e.status = 'entitled'
"""

# What another run came to first stands there: the unique key decides, however many approve at the same time.
_OBLIGE = """
WITH obliged AS (
    INSERT INTO obligation (programme, beneficiary, occurrence, run_id, kind, payee, division_id, department,
                            amount_fen)
    SELECT programme, beneficiary, occurrence, run_id, kind, payee, division_id, department, amount_fen
    FROM entitlement WHERE run_id = $1 AND status = 'entitled'
    ON CONFLICT (programme, beneficiary, occurrence) DO NOTHING RETURNING amount_fen
)
SELECT count(*) AS obligations, coalesce(sum(amount_fen), 0)::bigint AS total_fen,
       (SELECT count(*) FROM entitlement WHERE run_id = $1 AND status = 'entitled') AS entitled
FROM obliged
"""


class Obliged(NamedTuple):
    """What an approval obliges to. already: entitlements that another run came to first; they are not paid twice."""

    obligations: int
    total_fen: Fen
    already: int


async def hash_of_entitled(tx: Tx, run: RunId) -> bytes:
    """SHA-256 over the entitled rows of the run in the order of their keys.

    A row is programme, beneficiary, occurrence, kind, payee (or nothing), division code and amount in fen, separated
    by U+001F; rows are separated by a line feed; UTF-8.
    """
    hashed: bytes = await tx.fetchval(_HASH, run)
    return hashed


async def insert_obligations(tx: Tx, run: RunId) -> Obliged:
    """Oblige to everything that the run entitles to and that nobody is obliged to yet."""
    row = await tx.fetchrow(_OBLIGE, run)
    assert row is not None  # an aggregate always has a row
    return Obliged(row["obligations"], Fen(row["total_fen"]), row["entitled"] - row["obligations"])
