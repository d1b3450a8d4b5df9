"""Every SQL statement on obligations: what a frozen run comes to, and what it obliges the county to once approved."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from qingdan.ids import RunId
from qingdan.money import Fen
from runtime.bulk import read_rows
from runtime.bulk_rows import row_type
from runtime.db import Tx
from subsidy.merkle_rules import root_of

_LEAF: Final = row_type((("leaf", "V32"),))
READ_TIMEOUT_S: Final = 300.0

# Codes and not our own numbers of divisions: whoever has the list can compute the hash again. A fact holds no control
# character, so that U+001F stands between the values and nowhere else.
_LEAVES: Final = """
SELECT sha256('\\x00'::bytea || convert_to(concat_ws(E'\\x1f', e.programme, e.beneficiary, e.occurrence, e.kind,
       coalesce(e.payee::text, ''), d.code, e.amount_fen), 'UTF8'))
FROM entitlement e JOIN division d ON d.id = e.division_id
WHERE e.run_id = $1 AND e.status = 'entitled'
ORDER BY e.programme COLLATE "C", e.beneficiary, e.occurrence COLLATE "C"
"""

# What another run came to first stands there: the unique key decides, however many are entered at the same time. In the
# order of the key, so that two runs that come to the same things wait for each other and never in a circle.
_OBLIGE: Final = """
WITH next AS MATERIALIZED (
    SELECT programme, beneficiary, occurrence, run_id, kind, payee, division_id, department, amount_fen
    FROM entitlement WHERE run_id = $1 AND status = 'entitled'
    AND ($2::text IS NULL OR (programme, beneficiary, occurrence) > ($2, $3::uuid, $4::text))
    ORDER BY programme, beneficiary, occurrence LIMIT $5
), obliged AS (
    INSERT INTO obligation (programme, beneficiary, occurrence, run_id, kind, payee, division_id, department,
                            amount_fen)
    SELECT * FROM next ORDER BY programme, beneficiary, occurrence
    ON CONFLICT (programme, beneficiary, occurrence) DO NOTHING RETURNING id, amount_fen
)
SELECT (SELECT count(*) FROM next) AS looked_at, (SELECT array_agg(id) FROM obliged) AS obligations,
       (SELECT coalesce(sum(amount_fen), 0)::bigint FROM obliged) AS obliged_fen, last.*
FROM (SELECT programme, beneficiary, occurrence FROM next ORDER BY programme DESC, beneficiary DESC, occurrence DESC
      LIMIT 1) AS last
"""


class Obliged(NamedTuple):
    """What a step of an approval obliges to. looked_at: entitlements; those that another run came to first are not
    among the obligations, and are not paid twice. last: where the next step goes on behind."""

    looked_at: int
    obligations: Sequence[UUID]
    obliged_fen: Fen
    last: tuple[str, UUID, str]


async def hash_of_entitled(tx: Tx, run: RunId) -> bytes:
    """The Merkle tree hash (merkle_rules) over the entitled rows of the run in the order of their keys.

    An entry is programme, beneficiary, occurrence, kind, payee (or nothing), division code and amount in fen, separated
    by U+001F; UTF-8. Rows are sorted by code point.
    """
    await tx.execute("SET LOCAL work_mem = '128MB'")  # a county's entitlements are sorted in memory, not on disk
    rows = await read_rows(tx, _LEAVES, run, kind=_LEAF, timeout_s=READ_TIMEOUT_S)
    leaves = rows.column("leaf", "V32").tobytes()
    return await asyncio.to_thread(root_of, leaves)


async def insert_obligations(tx: Tx, run: RunId, after: tuple[str, UUID, str] | None, *, limit: int) -> Obliged:
    """Oblige to what the next so many entitlements of the run come to, of which there is one at least, and nobody is
    obliged to yet."""
    row = await tx.fetchrow(_OBLIGE, run, *(after or (None, None, None)), limit)
    assert row is not None  # what was frozen stays
    last = (row["programme"], row["beneficiary"], row["occurrence"])
    return Obliged(row["looked_at"], row["obligations"] or [], Fen(row["obliged_fen"]), last)
