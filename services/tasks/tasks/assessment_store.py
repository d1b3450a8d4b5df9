"""Every SQL statement of the assessment: the facts of a period, and the places once given."""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict
from typing import Final

import asyncpg

from qingdan.assessment import FORMULA, NOTHING, Facts, Stratum, Tally
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import AssessmentId, ShareId
from runtime.db import Tx
from runtime.problems import NotFound
from tasks.assessment_rules import Assessed, Header, Ranked
from tasks.list_rules import VILLAGE_LIST

# Once an objection was right, a share counts as was decided, here and in every later assessment.
# Shares claimed in the period whose end is known: finished, or past the village's own limit. One that waits for its
# visit, or whose clock stands still, is not known yet. Like work is told by the first limit, and late is late by the
# due date that a later change of the limit found passed. A refused share was never claimed, so no refusal can appear in
# these numbers. The part of the list is that of the version which the share was published under; an imported past
# knows no version: the newest.
_COUNTS: Final = """s.claimed_on BETWEEN $3 AND $4 AND (
    (s.state = 'completed' AND s.reported_on <= $4)
    OR (coalesce(s.judged_due_on, s.due_on) <= $4
        AND coalesce(s.judged_due_on, s.due_on) < coalesce(s.paused_on, $5) -- what was late already stays late
        AND s.state IN ('claimed', 'completed'))
)"""
_FACTS = """
WITH newest AS (
    SELECT DISTINCT ON (code) code, category FROM list_item WHERE list_code = $6 ORDER BY code, version DESC
), work AS (
    SELECT f.division_id, n.category, f.limit_working_days, f.findings, f.passed_first_recheck,
        f.used_working_days <= f.limit_working_days AS on_time
    FROM finished_share f LEFT JOIN newest n ON n.code = f.item_code
    WHERE f.claimed_on BETWEEN $3 AND $4
    UNION ALL
    SELECT s.division_id, i.category,
        coalesce((SELECT l.limit_before FROM share_limit l WHERE l.share_id = s.id ORDER BY l.seq LIMIT 1),
                 s.limit_working_days),
        CASE WHEN c.counts_as = 'without_findings' THEN 0 ELSE s.findings END,
        CASE WHEN c.counts_as = 'without_findings' THEN 0 ELSE s.passed_first_recheck END,
        coalesce(c.counts_as = 'on_time', false)
            OR (s.state = 'completed' AND s.reported_on <= coalesce(s.judged_due_on, s.due_on))
    FROM share s
    LEFT JOIN list_item i ON i.list_code = $6 AND i.version = s.list_version AND i.code = s.item_code
    LEFT JOIN assessment_correction c ON c.share_id = s.id
    WHERE COUNTS AND c.counts_as IS DISTINCT FROM 'left_out'
)
SELECT d.id, d.code, d.name_zh, work.category, work.limit_working_days,
       count(work.on_time)::int AS finished,
       count(*) FILTER (WHERE work.on_time)::int AS on_time,
       coalesce(sum(work.findings), 0)::int AS findings,
       coalesce(sum(work.passed_first_recheck), 0)::int AS passed_first_recheck,
       (SELECT count(*)::int FROM division_closure c JOIN division v ON v.id = c.descendant_id
        WHERE c.ancestor_id = d.id AND v.level = 'village' AND v.valid_to IS NULL) AS villages
FROM division d
JOIN division_closure above ON above.descendant_id = d.id AND above.ancestor_id = $1
JOIN division_closure below ON below.ancestor_id = d.id
LEFT JOIN work ON work.division_id = below.descendant_id
WHERE d.level = $2 AND d.valid_to IS NULL
GROUP BY d.id, d.code, d.name_zh, work.category, work.limit_working_days ORDER BY d.code
""".replace("COUNTS", _COUNTS)

_INSERT = """
INSERT INTO assessment_rank (assessment_id, division_id, level, period_from, period_to, formula, assessed_on,
    below_division_id, rank, of, score_milli, facts, would_change, explanation_en, explanation_zh, assessed_by,
    published_on, replaces, first_assessment_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""

# Of all that go back to the same, the one that no other replaces.
_LAST = """
SELECT r.* FROM assessment_rank r
WHERE (r.assessment_id = $1 OR r.first_assessment_id = $1)
    AND NOT EXISTS (SELECT 1 FROM assessment_rank n WHERE n.replaces = r.assessment_id) LIMIT 1
"""

_COUNTED_AMONG = """
SELECT s.id FROM share s JOIN division_closure c ON c.descendant_id = s.division_id
JOIN division d ON d.id = c.ancestor_id
WHERE d.code = $1 AND d.valid_to IS NULL AND s.id = ANY($2::uuid[]) AND COUNTS
""".replace("COUNTS", _COUNTS)

# The period before is the latest that ended before this one began, as it was assessed last.
_RANKS = """
SELECT r.*, d.code, d.name_zh, before.assessment_id AS previous_assessment, before.period_from AS previous_from,
    before.period_to AS previous_to, before.formula AS previous_formula, before.rank AS previous_rank,
    before.of AS previous_of, before.score_milli AS previous_score_milli,
    coalesce(r.published_on, r.assessed_on) AS told_on,
    (SELECT n.assessment_id FROM assessment_rank n
     WHERE n.replaces = r.assessment_id AND n.division_id = r.division_id) AS replaced_by,
    EXISTS (SELECT 1 FROM assessment_objection o WHERE o.division_id = r.division_id AND o.state = 'open'
            AND o.first_assessment_id = coalesce(r.first_assessment_id, r.assessment_id)) AS contested
FROM assessment_rank r
JOIN division d ON d.id = r.division_id
LEFT JOIN LATERAL (
    SELECT b.* FROM assessment_rank b
    WHERE b.division_id = r.division_id AND b.level = r.level AND b.period_to < r.period_from
        AND b.below_division_id IS NOT DISTINCT FROM r.below_division_id
    ORDER BY b.period_to DESC, b.assessment_id DESC LIMIT 1
) AS before ON true
WHERE r.assessment_id = $1 ORDER BY r.rank NULLS LAST, d.code
"""

_LIST = """
SELECT r.assessment_id AS assessment, min(r.level) AS level, min(r.period_from) AS period_from,
    min(r.period_to) AS period_to, min(r.formula) AS formula, min(r.assessed_on) AS assessed_on, min(r.of) AS of,
    min(d.code) AS below, (array_agg(r.replaces))[1] AS replaces,
    (SELECT n.assessment_id FROM assessment_rank n WHERE n.replaces = r.assessment_id LIMIT 1) AS replaced_by
FROM assessment_rank r LEFT JOIN division d ON d.id = r.below_division_id
WHERE $1::uuid IS NULL OR r.assessment_id < $1
GROUP BY r.assessment_id ORDER BY r.assessment_id DESC LIMIT $2
"""


async def facts_of(tx: Tx, division_id: int, header: Header) -> tuple[list[Assessed], dict[DivisionCode, int]]:
    """What the period says of each division of that level below `division_id`, and the ids of those divisions."""
    rows = await tx.fetch(
        _FACTS,
        *(division_id, header.level.value, header.period_from, header.period_to, header.assessed_on, VILLAGE_LIST),
    )
    work: dict[DivisionCode, dict[Stratum, Tally]] = {}
    for row in rows:
        own = work.setdefault(DivisionCode(row["code"]), {})
        if row["finished"]:
            stratum = Stratum.of(row["category"], row["limit_working_days"])
            own[stratum] = own.get(stratum, NOTHING) + _tally(row)
    known = {DivisionCode(row["code"]): row for row in rows}
    assessed = [Assessed(code, row["name_zh"], Facts(row["villages"], work[code])) for code, row in known.items()]
    return assessed, {code: row["id"] for code, row in known.items()}


async def insert_ranks(
    tx: Tx, header: Header, ranks: Sequence[Ranked], ids: Mapping[DivisionCode, int], *, below: int
) -> None:
    """Store every division's place; `ids` are the divisions', `below` the id of the division they were ranked in."""
    await tx.executemany(
        _INSERT,
        [
            (
                *(header.assessment, ids[ranked.division], header.level.value, header.period_from, header.period_to),
                *(FORMULA, header.assessed_on, below),
                *(ranked.rank, ranked.of, ranked.score_milli),
                json.dumps({fact.name: fact.value for fact in ranked.facts}),
                json.dumps([asdict(each) for each in ranked.would_change], ensure_ascii=False),
                *(ranked.explanation_en, ranked.explanation_zh),
                *(tx.actor.subject, header.published_on or header.assessed_on, header.replaces, header.first),
            )
            for ranked in ranks
        ],
    )


async def last_header(tx: Tx, first: AssessmentId) -> tuple[int, Header]:
    """Below which division was ranked, and what the last assessment that goes back to `first` has in common.

    Raises NotFound.
    """
    row = await tx.fetchrow(_LAST, first)
    if row is None:
        raise NotFound(assessment=str(first))
    level = DivisionLevel(row["level"])
    header = Header(row["assessment_id"], level, row["period_from"], row["period_to"], row["assessed_on"])
    return row["below_division_id"], header


async def counted_among(tx: Tx, division: DivisionCode, header: Header, shares: Set[ShareId]) -> set[ShareId]:
    """Those of the shares that are of the division's villages and count in the period, were nothing corrected."""
    rows = await tx.fetch(
        _COUNTED_AMONG, division, list(shares), header.period_from, header.period_to, header.assessed_on
    )
    return {row["id"] for row in rows}


async def find_ranks(tx: Tx, assessment: AssessmentId) -> Sequence[asyncpg.Record]:
    """The places that the actor may see, best first, those not ranked last. Raises NotFound when there is none."""
    rows = await tx.fetch(_RANKS, assessment)
    if not rows:
        raise NotFound(assessment=str(assessment))
    return rows


async def list_assessments(tx: Tx, *, after: AssessmentId | None, limit: int) -> Sequence[asyncpg.Record]:
    """Assessments in which the actor sees a place, the newest first, before the one that `after` names."""
    return await tx.fetch(_LIST, after, limit)


def _tally(row: asyncpg.Record) -> Tally:
    return Tally(row["finished"], row["on_time"], row["findings"], row["passed_first_recheck"])
