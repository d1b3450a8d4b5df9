"""The one SQL statement that counts over all tables; row-level security bounds every count to the asker's scope."""

import asyncpg

from runtime.db import Tx

_COUNT = """
SELECT meeting.*, task.*, share.*, ask.*, history.*
FROM (SELECT count(*) AS meetings FROM meeting) AS meeting,
     (SELECT count(*) AS tasks, count(*) FILTER (WHERE kind = 'letter') AS letters_signed FROM task) AS task,
     (SELECT count(*) AS shares,
             count(*) FILTER (WHERE claimed_on IS NOT NULL) AS shares_claimed,
             count(*) FILTER (WHERE state = 'completed') AS shares_completed,
             count(*) FILTER (WHERE state = 'refused') AS shares_refused,
             count(DISTINCT division_id) FILTER (WHERE claimed_on IS NOT NULL) AS villages_claimed FROM share) AS share,
     (SELECT count(*) FILTER (WHERE decided_by = 'gate') AS asks_refused_at_gate,
             count(*) FILTER (WHERE decided_by = 'village') AS asks_refused_by_villages FROM refused_ask) AS ask,
     (SELECT count(*) AS history_rows FROM finished_share) AS history
"""


async def count(tx: Tx) -> asyncpg.Record:
    """Every figure in one row, all of one moment."""
    row = await tx.fetchrow(_COUNT)
    assert row is not None  # an aggregate always has a row
    return row
