"""The one SQL statement that counts over all tables; row-level security bounds every count to the asker's scope."""

import asyncpg

from qingdan.divisions import DivisionCode
from runtime.db import Tx

_COUNT = """
WITH place AS (SELECT id FROM division WHERE code = $1)
SELECT sign.*, removal.*, request.*
FROM (SELECT count(*) FILTER (WHERE found_by = 'census') AS signs_before,
             count(*) FILTER (WHERE state <> 'removed' AND position = 'outside_horizontal') AS signs_horizontal,
             count(*) FILTER (WHERE state <> 'removed' AND position = 'outside_vertical') AS signs_vertical,
             count(*) FILTER (WHERE state <> 'removed') AS signs_hanging,
             count(*) FILTER (WHERE state = 'removed') AS signs_removed
      FROM sign WHERE $1 IS NULL OR division_id IN (SELECT id FROM place)) AS sign,
     (SELECT count(*) AS orders,
             count(*) FILTER (WHERE state = 'removed') AS orders_removed,
             count(*) FILTER (WHERE state = 'contested') AS orders_contested
      FROM removal_order WHERE $1 IS NULL OR division_id IN (SELECT id FROM place)) AS removal,
     (SELECT count(*) AS requests_refused
      FROM refused_request WHERE $1 IS NULL OR division_id IN (SELECT id FROM place)) AS request
"""


async def count(tx: Tx, village: DivisionCode | None) -> asyncpg.Record:
    """Every figure in one row, all of one moment."""
    row = await tx.fetchrow(_COUNT, village)
    assert row is not None  # an aggregate always has a row
    return row
