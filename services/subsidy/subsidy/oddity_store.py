"""Every SQL statement on oddities: what a bank said that does not fit."""

from collections import Counter
from collections.abc import Sequence

import asyncpg

from runtime.db import Tx
from subsidy.payment_rules import Odd

# The same words again are counted where they stand: a bank that repeats itself for ever fills no table.
_ENTER = """
INSERT INTO bank_oddity AS o (kind, bank, payment_id, division_id, said, amount_fen, bank_reference, times)
SELECT e.kind, e.bank, e.payment, p.division_id, e.said, e.amount_fen, e.bank_reference, e.times
FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::bigint[])
    AS e(kind, bank, payment, said, amount_fen, bank_reference, times)
LEFT JOIN payment p ON p.id = e.payment
ON CONFLICT (payment_id, kind, bank, said, amount_fen, bank_reference)
    DO UPDATE SET times = o.times + excluded.times, last_heard_at = clock_timestamp()
"""


async def enter_oddities(tx: Tx, odd: Sequence[Odd]) -> None:
    """Enter each; in one order for all, or two consumers would wait for each other."""
    counted = Counter(odd)
    each = sorted(counted, key=lambda one: (one.payment, one.kind, one.bank, one.said, one.amount_fen or 0))
    await tx.execute(
        _ENTER,
        [one.kind for one in each],
        [one.bank for one in each],
        [one.payment for one in each],
        [one.said for one in each],
        [one.amount_fen for one in each],
        [one.bank_reference for one in each],
        [counted[one] for one in each],
    )


async def list_oddities(tx: Tx, *, after: int | None, limit: int) -> list[asyncpg.Record]:
    """Oddities in the order in which they were first heard, after the one that `after` names."""
    return await tx.fetch(
        "SELECT o.id AS oddity, o.kind, o.bank, o.payment_id AS payment, d.code AS division, o.said, o.amount_fen,"
        " o.bank_reference, o.times, o.first_heard_at, o.last_heard_at"
        " FROM bank_oddity o LEFT JOIN division d ON d.id = o.division_id"
        " WHERE ($1::bigint IS NULL OR o.id > $1) ORDER BY o.id LIMIT $2",
        after,
        limit,
    )
