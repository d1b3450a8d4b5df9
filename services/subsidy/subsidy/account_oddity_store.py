"""Every SQL statement on what a bank said of accounts that does not fit."""

from collections import Counter
from collections.abc import Sequence

import asyncpg

from runtime.db import Tx
from subsidy.account_rules import Odd

# The same words again are counted where they stand: a bank that repeats itself for ever fills no table.
_ENTER = """
INSERT INTO account_oddity AS o (kind, bank, check_id, said, times)
SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::bigint[])
ON CONFLICT (check_id, kind, bank, said)
    DO UPDATE SET times = o.times + excluded.times, last_heard_at = clock_timestamp()
"""


async def enter_oddities(tx: Tx, odd: Sequence[Odd]) -> None:
    """Enter each; in one order for all, or two consumers would wait for each other."""
    counted = Counter(odd)
    each = sorted(counted, key=lambda one: (one.check, one.kind, one.bank, one.said))
    await tx.execute(
        _ENTER,
        [one.kind for one in each],
        [one.bank for one in each],
        [one.check for one in each],
        [one.said for one in each],
        [counted[one] for one in each],
    )


async def list_oddities(tx: Tx, *, after: int | None, limit: int) -> list[asyncpg.Record]:
    """Oddities in the order in which they were first heard, after the one that `after` names."""
    return await tx.fetch(
        "SELECT id AS oddity, kind, bank, check_id AS check, said, times, first_heard_at, last_heard_at"
        " FROM account_oddity WHERE ($1::bigint IS NULL OR id > $1) ORDER BY id LIMIT $2",
        after,
        limit,
    )
