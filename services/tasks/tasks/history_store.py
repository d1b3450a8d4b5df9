"""Every SQL statement on the imported past."""

from collections.abc import Sequence

import asyncpg

from runtime.db import Tx
from tasks.history_rules import FinishedShare

# One statement tells, for every row: the village's id, NULL when it is not in the actor's scope; whether the batch has
# this row already; and whether it has another in its place.
_CHECK = """
SELECT d.id AS village_id, f.batch IS NOT NULL AS there,
       (f.item_code, f.limit_working_days, f.used_working_days, f.findings, f.passed_first_recheck,
        f.difficulties_raised, f.origin)
       IS NOT DISTINCT FROM
       (r.item_code, r.limit_working_days, r.used_working_days, r.findings, r.passed_first_recheck,
        r.difficulties_raised, r.origin) AS same
FROM unnest($2::text[], $3::text[], $4::date[], $5::text[], $6::int[], $7::int[], $8::int[], $9::int[], $10::int[],
            $11::text[]) WITH ORDINALITY
    AS r(village, task_code, claimed_on, item_code, limit_working_days, used_working_days, findings,
         passed_first_recheck, difficulties_raised, origin, position)
LEFT JOIN (division d JOIN division_closure c ON c.descendant_id = d.id AND c.ancestor_id = app_division())
    ON d.code = r.village AND d.valid_to IS NULL AND d.level = 'village'
LEFT JOIN finished_share f ON f.division_id = d.id AND f.claimed_on = r.claimed_on AND f.task_code = r.task_code
    AND f.batch = $1
ORDER BY r.position
"""

_INSERT = """
INSERT INTO finished_share (batch, division_id, task_code, claimed_on, item_code, limit_working_days,
                            used_working_days, findings, passed_first_recheck, difficulties_raised, origin)
SELECT $1, d.id, r.task_code, r.claimed_on, r.item_code, r.limit_working_days, r.used_working_days, r.findings,
       r.passed_first_recheck, r.difficulties_raised, r.origin
FROM unnest($2::text[], $3::text[], $4::date[], $5::text[], $6::int[], $7::int[], $8::int[], $9::int[], $10::int[],
            $11::text[])
    AS r(village, task_code, claimed_on, item_code, limit_working_days, used_working_days, findings,
         passed_first_recheck, difficulties_raised, origin)
JOIN division d ON d.code = r.village AND d.valid_to IS NULL
ON CONFLICT DO NOTHING
"""


async def compare(tx: Tx, batch: str, rows: Sequence[FinishedShare]) -> Sequence[asyncpg.Record]:
    """For each row, in order: village_id (None: not in scope), there, same."""
    return await tx.fetch(_CHECK, batch, *_columns(rows))


async def insert(tx: Tx, batch: str, rows: Sequence[FinishedShare]) -> int:
    """Store the rows that the batch does not have yet; how many those were."""
    return int((await tx.execute(_INSERT, batch, *_columns(rows))).split()[-1])


def _columns(rows: Sequence[FinishedShare]) -> list[list[object]]:
    return [
        [str(row.village_code) for row in rows],
        [row.task_code for row in rows],
        [row.claimed_on for row in rows],
        [row.responsibility_code for row in rows],
        [row.limit_working_days for row in rows],
        [row.used_working_days for row in rows],
        [row.findings for row in rows],
        [row.passed_first_recheck for row in rows],
        [row.difficulties_raised for row in rows],
        [row.origin for row in rows],
    ]
