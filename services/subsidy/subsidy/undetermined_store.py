"""Every SQL statement on cases that a run leaves open, kept in groups by what is missing."""

from typing import Final

import asyncpg

from qingdan.ids import RunId
from runtime.bulk import write_rows
from runtime.db import Tx
from subsidy.outcome_rules import Evaluation
from subsidy.undetermined_rules import UndeterminedRows

WRITE_TIMEOUT_S: Final = 300.0

# COPY does not write under row-level security: temporary tables take it, and what the policies allow goes from there.
_ROSTER_STAGE: Final = """
CREATE TEMPORARY TABLE undetermined_roster_stage (
    kind text, division_id integer, part integer, members uuid[], payees uuid[]
) ON COMMIT DROP
"""
_GROUP_STAGE: Final = """
CREATE TEMPORARY TABLE undetermined_group_stage (
    programme integer, division_id integer, part integer, missing integer, seats bytea
) ON COMMIT DROP
"""

_ENTER_ROSTERS: Final = """
INSERT INTO undetermined_roster (run_id, kind, division_id, part, members, payees)
SELECT $1, kind, division_id, part, members, payees FROM undetermined_roster_stage
"""
_ENTER_GROUPS: Final = """
INSERT INTO undetermined_group (run_id, programme, kind, division_id, part, missing, department, occurrence, seats)
SELECT $1, ($2::text[])[s.programme], ($3::text[])[s.programme], s.division_id, s.part,
       string_to_array(($5::text[])[s.missing], ','), ($4::text[])[s.programme], $6, s.seats
FROM undetermined_group_stage s
"""


# digest: of what is missing, for a place in the list. What an earlier version left open is in rows.
_BY_MISSING: Final = """
WITH lacking AS (
    SELECT programme, department, missing, sum(cases)::bigint AS cases
    FROM (
        SELECT programme, department, missing, cases FROM undetermined_group WHERE run_id = $1
        UNION ALL
        SELECT programme, department, missing, 1 FROM entitlement WHERE run_id = $1 AND status = 'undetermined'
    ) AS each WHERE $2::text IS NULL OR programme = $2 GROUP BY programme, department, missing
)
SELECT * FROM (SELECT *, md5(array_to_string(missing, ',')) AS digest FROM lacking) AS placed
WHERE $3::text IS NULL OR (programme, digest) > ($3, $4::text) ORDER BY programme, digest LIMIT $5
"""


async def clear(tx: Tx, run: RunId) -> None:
    """Take away what an earlier preview of the run left open."""
    await tx.execute("DELETE FROM undetermined_group WHERE run_id = $1", run)
    await tx.execute("DELETE FROM undetermined_roster WHERE run_id = $1", run)


async def enter(tx: Tx, run: RunId, evaluation: Evaluation) -> None:
    """Write of whom it is not known, and which facts would decide."""
    rows = UndeterminedRows(evaluation)
    if not rows.outcomes:
        return
    programmes = [outcome.programme for outcome in evaluation.outcomes]
    await tx.execute(_ROSTER_STAGE)
    await tx.execute(_GROUP_STAGE)
    await write_rows(tx, "undetermined_roster_stage", rows.rosters(), timeout_s=WRITE_TIMEOUT_S)
    await write_rows(tx, "undetermined_group_stage", rows.groups(), timeout_s=WRITE_TIMEOUT_S)
    await tx.execute(_ENTER_ROSTERS, run)
    await tx.execute(
        _ENTER_GROUPS,
        run,
        [programme.code for programme in programmes],
        [programme.beneficiary for programme in programmes],
        [programme.department for programme in programmes],
        list(rows.missing),
        evaluation.period,
    )


async def list_by_missing(
    tx: Tx, run: RunId, *, programme: str | None, after: tuple[str, str] | None, limit: int
) -> list[asyncpg.Record]:
    """How many cases lack the same facts, by programme and what is missing, from the one behind `after`."""
    return await tx.fetch(_BY_MISSING, run, programme, *(after or (None, None)), limit)
