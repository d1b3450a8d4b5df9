"""Every SQL statement on how long tasks took: numbers that belong to nobody, folded from what is finished."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from qingdan.ids import ShareId
from runtime.db import Tx
from runtime.problems import NotFound
from tasks.hint_rules import Durations

# What is counted is gone in the same transaction: nothing is counted twice, and nothing stays. What earlier versions
# left marked as folded goes too, uncounted. In one order, so that two replicas that fold at once do not wait for each
# other.
_FOLD = """
WITH taken AS (
    DELETE FROM finished_duration WHERE seq IN (
        SELECT seq FROM finished_duration ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING division_id, item_code, department, kind, date_trunc('month', finished_on)::date AS month,
        used_working_days, on_time, folded
), added AS (
    INSERT INTO item_duration AS h (item_code, department, kind, month, used_working_days, shares)
    SELECT item_code, department, kind, month, used_working_days, count(*) FROM taken WHERE NOT folded
    GROUP BY item_code, month, used_working_days, department, kind
    ORDER BY item_code, month, used_working_days, department, kind
    ON CONFLICT (item_code, month, used_working_days, department, kind)
        DO UPDATE SET shares = h.shares + excluded.shares
), timed AS (
    INSERT INTO item_timeliness AS t (division_id, month, department, item_code, finished, on_time)
    SELECT division_id, month, department, item_code, count(*), count(*) FILTER (WHERE on_time) FROM taken
    WHERE NOT folded AND on_time IS NOT NULL
    GROUP BY division_id, month, department, item_code
    ORDER BY division_id, month, department, item_code
    ON CONFLICT (division_id, month, department, item_code)
        DO UPDATE SET finished = t.finished + excluded.finished, on_time = t.on_time + excluded.on_time
)
SELECT count(*) FROM taken
"""

_BY_ITEM = """
SELECT used_working_days, sum(shares)::bigint AS shares FROM item_duration
WHERE item_code = $1 AND month >= $2 GROUP BY used_working_days ORDER BY used_working_days
"""
_BY_KIND = """
SELECT used_working_days, sum(shares)::bigint AS shares FROM item_duration
WHERE department = $1 AND kind = $2 AND month >= $3 GROUP BY used_working_days ORDER BY used_working_days
"""

# What the village has open is what the index of open shares holds: years of finished ones are not walked.
_DESK = """
SELECT count(*) FILTER (WHERE state = 'published') AS unclaimed,
       count(*) FILTER (WHERE state = 'claimed') AS claimed,
       count(*) FILTER (WHERE state = 'claimed' AND due_on < $3) AS overdue,
       coalesce(sum(hours_estimate) FILTER (WHERE state = 'claimed'), 0)::bigint AS hours_claimed,
       (array_agg(due_on ORDER BY due_on) FILTER (WHERE state = 'claimed'))[1:5] AS due_first
FROM share WHERE division_id = $1 AND is_open AND id <> $2
"""


async def fold(tx: Tx, limit: int) -> int:
    """Take at most `limit` finished things off the queue into the histogram, each once; return how many they were."""
    folded: int = await tx.fetchval(_FOLD, limit)
    return folded


async def find_share(tx: Tx, share: ShareId) -> asyncpg.Record:
    """What a share says of the kind of task it is part of. Raises NotFound."""
    row = await tx.fetchrow("SELECT division_id, item_code, department, kind FROM share WHERE id = $1", share)
    if row is None:
        raise NotFound(share=str(share))
    return row


async def durations_of_item(tx: Tx, item: str, since: date) -> Durations:
    """How often how many working days were used for an item, in the months from `since` on; fewest days first."""
    return _durations(await tx.fetch(_BY_ITEM, item, since))


async def durations_of_kind(tx: Tx, department: str, kind: str, since: date) -> Durations:
    """The same for all that a department asked in this form."""
    return _durations(await tx.fetch(_BY_KIND, department, kind, since))


async def desk_of(tx: Tx, division_id: int, beside: ShareId, today: date) -> asyncpg.Record:
    """What lies on a village's desk beside the share named."""
    row = await tx.fetchrow(_DESK, division_id, beside, today)
    assert row is not None, "an aggregate has one row"
    return row


def _durations(rows: Sequence[asyncpg.Record]) -> Durations:
    return [(row["used_working_days"], row["shares"]) for row in rows]
