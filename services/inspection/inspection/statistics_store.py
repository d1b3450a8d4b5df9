"""The one SQL statement that counts over all tables; row-level security bounds every count to the asker's scope."""

import asyncpg

from runtime.db import Tx

_COUNT = """
SELECT share.*, visit.*, finding.*, recheck.*, difficulty.*
FROM (SELECT count(*) AS shares,
             count(*) FILTER (WHERE claimed_on IS NOT NULL) AS shares_claimed,
             count(*) FILTER (WHERE state = 'completed') AS shares_completed FROM share) AS share,
     (SELECT count(*) AS visits,
             count(*) FILTER (WHERE state = 'planned') AS visits_planned,
             count(*) FILTER (WHERE state = 'done') AS visits_done,
             count(*) FILTER (WHERE state = 'closed') AS visits_closed FROM visit) AS visit,
     (SELECT count(*) AS findings,
             count(*) FILTER (WHERE state = 'open') AS findings_open,
             count(*) FILTER (WHERE state = 'rectified') AS findings_rectified,
             count(*) FILTER (WHERE state = 'passed') AS findings_passed FROM finding) AS finding,
     (SELECT count(*) FILTER (WHERE passed) AS rechecks_passed,
             count(*) FILTER (WHERE NOT passed) AS rechecks_failed FROM recheck) AS recheck,
     (SELECT count(*) AS difficulties_raised,
             count(*) FILTER (WHERE state = 'answered') AS difficulties_answered,
             count(*) FILTER (WHERE state = 'forwarded') AS difficulties_forwarded,
             count(*) FILTER (WHERE state = 'open') AS difficulties_open FROM difficulty) AS difficulty
"""


async def count(tx: Tx) -> asyncpg.Record:
    """Every figure in one row, all of one moment."""
    row = await tx.fetchrow(_COUNT)
    assert row is not None  # an aggregate always has a row
    return row
