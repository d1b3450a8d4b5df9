"""Every SQL statement on what lies on a desk today."""

from datetime import date

import asyncpg

from runtime.db import Tx

# By the index on what is open: a village's finished shares of many years are never looked at.
_DESK = """
WITH desk AS (
    SELECT s.id AS share, s.task_id AS task, d.code AS village, s.department, s.kind, s.title_zh, s.title_en, s.state,
           s.waiting_for, s.published_on, s.due_on, s.provisional, s.percent, s.reported_on, s.version,
           desk_part(s.state, s.due_on, s.waiting_for, s.paused_on, $1, $2) AS part
    FROM division_closure c JOIN share s ON s.division_id = c.descendant_id JOIN division d ON d.id = s.division_id
    WHERE c.ancestor_id = app_division() AND s.is_open
), placed AS (
    SELECT *, count(*) OVER (PARTITION BY part) AS of,
           row_number() OVER (PARTITION BY part ORDER BY due_on NULLS LAST, published_on, share) AS place
    FROM desk
)
SELECT placed.*, e.decide_by AS extension_decide_by
FROM placed LEFT JOIN share_extension e ON e.share_id = placed.share AND e.state = 'open'
WHERE place <= $3 ORDER BY part, place
"""


async def desk(tx: Tx, *, today: date, soon: date, per_part_max: int) -> list[asyncpg.Record]:
    """Open shares in the actor's scope, each with its `part` of the desk and how many that part has (`of`).

    soon: the last day that counts as due soon. Of each part come the `per_part_max` most urgent.
    """
    return await tx.fetch(_DESK, today, soon, per_part_max)
