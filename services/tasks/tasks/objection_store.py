"""Every SQL statement on objections to a place, and on what they corrected."""

import json
from collections.abc import Sequence, Set
from datetime import date
from typing import Final

import asyncpg

from qingdan.assessment_events import AssessmentObjected, ObjectionDecided
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import AssessmentId, ShareId
from runtime.actor import Actor, Role
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from tasks.objection_rules import Decider, Objection, ObjectionId, Objector, Placed

_PLACED = """
SELECT r.assessment_id, coalesce(r.first_assessment_id, r.assessment_id) AS first, d.code,
    coalesce(r.published_on, r.assessed_on) AS published_on,
    (SELECT n.assessment_id FROM assessment_rank n
     WHERE n.replaces = r.assessment_id AND n.division_id = r.division_id) AS replaced_by,
    EXISTS (SELECT 1 FROM assessment_objection o WHERE o.division_id = r.division_id AND (
        o.assessment_id = r.assessment_id
        OR o.state = 'open' AND o.first_assessment_id = coalesce(r.first_assessment_id, r.assessment_id))) AS objected
FROM assessment_rank r JOIN division d ON d.id = r.division_id
WHERE r.assessment_id = $1 AND d.code = $2 AND r.below_division_id IS NOT NULL
"""

_OF_DIVISION = """
SELECT s.id FROM share s JOIN division_closure c ON c.descendant_id = s.division_id
JOIN division d ON d.id = c.ancestor_id WHERE d.code = $1 AND d.valid_to IS NULL AND s.id = ANY($2::uuid[])
"""

# Two unique indexes say that there is one: two clicks at once do not both get through.
_INSERT = """
INSERT INTO assessment_objection (id, assessment_id, first_assessment_id, division_id, reason, shares, objected_by,
                                  objected_on, decide_by)
SELECT $1, r.assessment_id, coalesce(r.first_assessment_id, r.assessment_id), r.division_id, $4, $5, $6, $7, $8
FROM assessment_rank r JOIN division d ON d.id = r.division_id WHERE r.assessment_id = $2 AND d.code = $3
ON CONFLICT DO NOTHING
"""

# The division below which was ranked is within the scope of whoever may decide, and outside that of the ranked.
_LOCK = """
SELECT o.*, d.code, r.assessed_by, EXISTS (
    SELECT 1 FROM division_closure c WHERE c.ancestor_id = app_division() AND c.descendant_id = r.below_division_id
) AS ranks
FROM assessment_objection o
JOIN division d ON d.id = o.division_id
JOIN assessment_rank r ON r.assessment_id = o.assessment_id AND r.division_id = o.division_id
WHERE o.id = $1 FOR UPDATE OF o
"""

_DECIDE = """
UPDATE assessment_objection SET state = CASE WHEN $2 THEN 'upheld' ELSE 'granted' END, decided_on = $3,
    decided_by = $4, decision_reason = $5, corrections = $6, corrected_by = $7, version = version + 1
WHERE id = $1
"""

_CORRECT = """
INSERT INTO assessment_correction (share_id, division_id, department, objection_id, counts_as)
SELECT s.id, s.division_id, s.department, $2, $3 FROM share s WHERE s.id = $1
ON CONFLICT (share_id) DO UPDATE SET objection_id = excluded.objection_id, counts_as = excluded.counts_as
"""

_VIEW: Final = """
SELECT o.id AS objection, o.assessment_id AS assessment, d.code AS division, o.reason, o.shares, o.objected_on,
    o.decide_by, o.state, o.decided_on, o.decision_reason, o.corrections, o.corrected_by, o.version
FROM assessment_objection o JOIN division d ON d.id = o.division_id
"""


def objector(actor: Actor) -> Objector:
    """Somebody as the rules see them."""
    speaks_for = {Role.VILLAGE_CADRE: DivisionLevel.VILLAGE, Role.TOWN_STAFF: DivisionLevel.TOWNSHIP}
    return Objector(actor.division, frozenset(speaks_for[role] for role in actor.roles & speaks_for.keys()))


async def find_placed(tx: Tx, assessment: AssessmentId, division: DivisionCode) -> Placed:
    """The division's place. Raises NotFound, also for what the actor may not see."""
    row = await tx.fetchrow(_PLACED, assessment, division)
    if row is None:
        raise NotFound(assessment=str(assessment), division=str(division))
    return Placed(
        assessment=assessment,
        first=row["first"],
        division=DivisionCode(row["code"]),
        published_on=row["published_on"],
        replaced_by=row["replaced_by"],
        objected=row["objected"],
    )


async def of_division(tx: Tx, division: DivisionCode, shares: Set[ShareId]) -> set[ShareId]:
    """Those of the shares that are of the division's villages."""
    return {row["id"] for row in await tx.fetch(_OF_DIVISION, division, list(shares))}


async def insert_objection(
    tx: Tx, objection: ObjectionId, event: AssessmentObjected, reason: str, shares: Set[ShareId]
) -> bool:
    """Keep it; False when another was there first."""
    done = await tx.execute(
        _INSERT,
        *(objection, event.assessment, event.division, reason, sorted(shares), tx.actor.subject),
        *(event.objected_on, event.decide_by),
    )
    return done.endswith(" 1")


async def lock_objection(tx: Tx, objection: ObjectionId, expected: Version) -> tuple[Objection, Decider]:
    """The objection, held until the transaction ends, and the actor before it. Raises NotFound, StaleVersion.

    Then nobody else replaces its assessment, or one that goes back to the same, until the transaction ends.
    """
    row = await tx.fetchrow(_LOCK, objection)
    if row is None:
        raise NotFound(objection=str(objection))
    if row["version"] != expected:
        raise StaleVersion(objection=str(objection), version=row["version"])
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('assessment:' || $1::text, 0))", str(row["first_assessment_id"])
    )
    return Objection(
        id=ObjectionId(row["id"]),
        assessment=row["assessment_id"],
        first=row["first_assessment_id"],
        division=DivisionCode(row["code"]),
        objected_by=row["objected_by"],
        ranked_by=row["assessed_by"],
        state=row["state"],
        version=row["version"],
    ), Decider(tx.actor.subject, row["ranks"])


async def save_decision(
    tx: Tx, objection: ObjectionId, event: ObjectionDecided, reason: str, corrected_by: AssessmentId | None
) -> None:
    """Close the objection; what is corrected is in force from now on."""
    corrections = sorted(event.corrections or (), key=lambda each: each.share)
    kept = json.dumps([each.model_dump(mode="json") for each in corrections])
    await tx.execute(_DECIDE, objection, event.upheld, event.decided_on, tx.actor.subject, reason, kept, corrected_by)
    await tx.executemany(_CORRECT, [(each.share, objection, each.counts_as) for each in corrections])


async def find_objection(tx: Tx, objection: ObjectionId) -> asyncpg.Record:
    """An objection as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE o.id = $1", objection)
    if row is None:
        raise NotFound(objection=str(objection))
    return row


async def list_objections(
    tx: Tx, *, state: str | None, after: tuple[date, ObjectionId] | None, limit: int
) -> Sequence[asyncpg.Record]:
    """Objections by the day until which they are to be decided, after the one that `after` names."""
    decide_by, objection = after or (None, None)
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR o.state = $1) AND ($2::date IS NULL OR (o.decide_by, o.id) > ($2, $3))"
        " ORDER BY o.decide_by, o.id LIMIT $4",
        *(state, decide_by, objection, limit),
    )
