"""Every SQL statement of the assessment: the facts of a period, and the ranks once given."""

import json
from collections.abc import Mapping, Sequence
from datetime import date

import asyncpg

from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import AssessmentId
from runtime.db import Tx
from runtime.problems import NotFound
from tasks.assessment_rules import FORMULA, Assessed, Facts, Ranked

# Shares claimed in the period whose end is known: finished, or past the village's own limit. One that waits for its
# visit is not known yet. A refused share was never claimed, so no refusal can appear in these numbers.
_FACTS = """
WITH work AS (
    SELECT division_id, used_working_days <= limit_working_days AS on_time, findings, passed_first_recheck
    FROM finished_share WHERE claimed_on BETWEEN $3 AND $4
    UNION ALL
    SELECT division_id, state = 'completed' AND reported_on <= due_on, findings, passed_first_recheck
    FROM share WHERE claimed_on BETWEEN $3 AND $4 AND (
        (state = 'completed' AND reported_on <= $4)
        OR (due_on <= $4 AND due_on < $5 AND state IN ('claimed', 'completed'))
    )
)
SELECT d.id, d.code, d.name_zh,
       count(work.on_time)::int AS finished,
       count(*) FILTER (WHERE work.on_time)::int AS on_time,
       coalesce(sum(work.findings), 0)::int AS findings,
       coalesce(sum(work.passed_first_recheck), 0)::int AS passed_first_recheck
FROM division d
JOIN division_closure above ON above.descendant_id = d.id AND above.ancestor_id = $1
JOIN division_closure below ON below.ancestor_id = d.id
LEFT JOIN work ON work.division_id = below.descendant_id
WHERE d.level = $2 AND d.valid_to IS NULL
GROUP BY d.id, d.code, d.name_zh ORDER BY d.code
"""


async def facts_of(
    tx: Tx, division_id: int, level: DivisionLevel, period_from: date, period_to: date, *, today: date
) -> tuple[list[Assessed], dict[DivisionCode, int]]:
    """What the period says of each division of that level below `division_id`, and the ids of those divisions."""
    rows = await tx.fetch(_FACTS, division_id, level.value, period_from, period_to, today)
    assessed = [
        Assessed(
            DivisionCode(row["code"]),
            row["name_zh"],
            Facts(row["finished"], row["on_time"], row["findings"], row["passed_first_recheck"]),
        )
        for row in rows
    ]
    return assessed, {DivisionCode(row["code"]): row["id"] for row in rows}


async def insert_ranks(
    tx: Tx,
    assessment: AssessmentId,
    ranks: Sequence[Ranked],
    ids: Mapping[DivisionCode, int],
    *,
    level: DivisionLevel,
    period: tuple[date, date],
    today: date,
) -> None:
    """Store every division's place; `ids` are the divisions'."""
    await tx.executemany(
        "INSERT INTO assessment_rank (assessment_id, division_id, level, period_from, period_to, formula, assessed_on,"
        " rank, of, score_milli, facts, explanation_en, explanation_zh)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        [
            (
                *(assessment, ids[ranked.division], level.value, *period, FORMULA, today),
                *(ranked.rank, ranked.of, ranked.score_milli),
                json.dumps({fact.name: fact.value for fact in ranked.facts}),
                *(ranked.explanation_en, ranked.explanation_zh),
            )
            for ranked in ranks
        ],
    )


async def find_ranks(tx: Tx, assessment: AssessmentId) -> Sequence[asyncpg.Record]:
    """The places that the actor may see, best first, those not ranked last. Raises NotFound when there is none."""
    rows = await tx.fetch(
        "SELECT r.*, d.code, d.name_zh FROM assessment_rank r JOIN division d ON d.id = r.division_id"
        " WHERE r.assessment_id = $1 ORDER BY r.rank NULLS LAST, d.code",
        assessment,
    )
    if not rows:
        raise NotFound(assessment=str(assessment))
    return rows
