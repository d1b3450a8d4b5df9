"""Every SQL statement on findings, rectifications and re-checks."""

from collections.abc import Sequence

import asyncpg

from inspection.finding_rules import Finding, FindingState
from inspection.visit_rules import Raised
from qingdan.divisions import DivisionCode
from qingdan.ids import FindingId, VisitId
from qingdan.inspection_events import FindingRectified, RecheckFailed, RecheckPassed
from qingdan.origin import Origin
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion


async def insert_findings(tx: Tx, raised: Sequence[Raised]) -> None:
    """Enter what was found."""
    await tx.execute(
        "INSERT INTO finding (id, visit_id, division_id, department, category, text, suggestion_id, suggestion,"
        " raised_on) SELECT e.finding, v.id, v.division_id, v.department, e.category, e.text, e.suggestion_id,"
        " e.suggestion, e.raised_on FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[],"
        " $6::text[], $7::date[]) AS e(finding, visit, category, text, suggestion_id, suggestion, raised_on)"
        " JOIN visit v ON v.id = e.visit",
        [both.finding.finding for both in raised],
        [both.finding.visit for both in raised],
        [both.finding.category for both in raised],
        [both.words.text for both in raised],
        [both.suggestion.suggestion for both in raised],
        [both.words.suggestion for both in raised],
        [both.finding.raised_on for both in raised],
    )


_FINDING = """
SELECT f.*, d.code AS village, s.origin_service, s.origin_kind, s.origin_id
FROM finding f JOIN division d ON d.id = f.division_id
JOIN visit v ON v.id = f.visit_id JOIN share s ON s.id = v.share_id
"""


async def lock_finding(tx: Tx, finding: FindingId, expected: Version) -> Finding:
    """The finding, if it still has the version expected; its visit is locked before. Raises NotFound, StaleVersion."""
    row = await tx.fetchrow(_FINDING + "WHERE f.id = $1 FOR UPDATE OF f", finding)
    if row is None:
        raise NotFound(finding=str(finding))
    if row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return _finding(row)


async def findings_of(tx: Tx, visit: VisitId) -> list[Finding]:
    """All findings of a visit, to decide whether it can be closed."""
    return [_finding(row) for row in await tx.fetch(_FINDING + "WHERE f.visit_id = $1", visit)]


async def save_rectified(
    tx: Tx, event: FindingRectified, state: FindingState, note: str, photo_sha256: Sequence[str]
) -> None:
    await tx.execute(
        "WITH changed AS (UPDATE finding SET state = $2, version = version + 1 WHERE id = $1"
        " RETURNING id, division_id, department)"
        " INSERT INTO rectification (finding_id, division_id, department, note, photo_sha256, rectified_on)"
        " SELECT id, division_id, department, $3, $4, $5 FROM changed",
        event.finding,
        state,
        note,
        list(photo_sha256),
        event.rectified_on,
    )


async def save_recheck(tx: Tx, event: RecheckPassed | RecheckFailed, state: FindingState, note: str) -> None:
    passed = isinstance(event, RecheckPassed)
    await tx.execute(
        "WITH changed AS (UPDATE finding SET state = $2, failed_rechecks = failed_rechecks + $3, version = version + 1"
        " WHERE id = $1 RETURNING id, division_id, department)"
        " INSERT INTO recheck (id, finding_id, division_id, department, passed, note, checked_on)"
        " SELECT $4, id, division_id, department, $5, $6, $7 FROM changed",
        event.finding,
        state,
        0 if passed else 1,
        event.recheck,
        passed,
        note,
        event.checked_on,
    )


_VIEW = """
SELECT f.id AS finding, f.visit_id AS visit, d.code AS village, f.department, f.category, f.text,
       f.suggestion_id, f.suggestion, f.state, f.raised_on, f.failed_rechecks, f.version
FROM finding f JOIN division d ON d.id = f.division_id
"""


async def list_findings(
    tx: Tx, *, state: str | None, visit: VisitId | None, after: tuple[FindingId] | None, limit: int
) -> list[asyncpg.Record]:
    """Findings as they were raised, oldest first, from the one behind `after`."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR f.state = $1) AND ($2::uuid IS NULL OR f.visit_id = $2)"
        " AND ($3::uuid IS NULL OR f.id > $3) ORDER BY f.id LIMIT $4",
        state,
        visit,
        *(after or (None,)),
        limit,
    )


async def list_rectifications(tx: Tx, findings: Sequence[FindingId]) -> list[asyncpg.Record]:
    """What the village reported on these findings, in order."""
    return await tx.fetch(
        "SELECT finding_id, note, photo_sha256, rectified_on FROM rectification WHERE finding_id = ANY($1::uuid[])"
        " ORDER BY seq",
        list(findings),
    )


async def list_rechecks(tx: Tx, findings: Sequence[FindingId]) -> list[asyncpg.Record]:
    """What the team saw when it checked these findings again, in order."""
    return await tx.fetch(
        "SELECT finding_id, id AS recheck, passed, note, checked_on FROM recheck WHERE finding_id = ANY($1::uuid[])"
        " ORDER BY id",
        list(findings),
    )


def _finding(row: asyncpg.Record) -> Finding:
    return Finding(
        id=row["id"],
        visit=row["visit_id"],
        village=DivisionCode(row["village"]),
        origin=Origin(service=row["origin_service"], kind=row["origin_kind"], id=row["origin_id"]),
        state=row["state"],
        failed_rechecks=row["failed_rechecks"],
        version=row["version"],
    )
