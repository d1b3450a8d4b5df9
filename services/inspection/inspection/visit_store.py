"""Every SQL statement on visits."""

from collections.abc import Mapping, Sequence
from datetime import date

import asyncpg

from inspection.visit_rules import Outcome, Visit
from qingdan.divisions import DivisionCode
from qingdan.ids import FindingId, ShareId, VisitId
from qingdan.inspection_events import VisitClosed, VisitPlanned
from qingdan.origin import Origin
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion

_LOCK = """
SELECT v.*, s.task_id, s.origin_service, s.origin_kind, s.origin_id, d.code AS village
FROM visit v JOIN share s ON s.id = v.share_id JOIN division d ON d.id = v.division_id
WHERE v.id = {chosen} FOR UPDATE OF v
"""
_LOCK_ITSELF = _LOCK.format(chosen="$1")
_LOCK_BY_FINDING = _LOCK.format(chosen="(SELECT visit_id FROM finding WHERE id = $1)")
_LOCK_ALL = _LOCK.format(chosen="ANY($1::uuid[]) ORDER BY v.id")

_DONE = """
UPDATE visit SET state = $2, done_on = $3, findings = $4, closed_on = $5, version = version + 1 WHERE id = $1
"""
_DONE_ALL = """
UPDATE visit v SET state = e.state, done_on = e.done_on, findings = e.findings, closed_on = e.closed_on,
    version = v.version + 1
FROM unnest($1::uuid[], $2::text[], $3::date[], $4::integer[], $5::date[])
    AS e(visit, state, done_on, findings, closed_on)
WHERE v.id = e.visit
"""


async def insert_planned(tx: Tx, planned: Sequence[tuple[VisitPlanned, date]]) -> None:
    """Enter new visits, each with the day of the report it was planned from; nobody else knows their keys yet."""
    await tx.execute(
        "INSERT INTO visit (id, share_id, division_id, department, reported_on, planned_on)"
        " SELECT e.visit, s.id, s.division_id, s.department, e.reported_on, e.planned_on"
        " FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::date[]) AS e(visit, share, reported_on, planned_on)"
        " JOIN share s ON s.id = e.share",
        [event.visit for event, _ in planned],
        [event.share for event, _ in planned],
        [reported_on for _, reported_on in planned],
        [event.planned_on for event, _ in planned],
    )


async def lock_visit(tx: Tx, visit: VisitId, expected: Version) -> Visit:
    """The visit, if it still has the version expected. Raises NotFound, StaleVersion."""
    row = await tx.fetchrow(_LOCK_ITSELF, visit)
    if row is None:
        raise NotFound(visit=str(visit))
    if row["version"] != expected:
        raise StaleVersion(visit=str(visit), version=row["version"])
    return _visit(row)


async def lock_visits(tx: Tx, expected: Mapping[VisitId, Version]) -> list[Visit]:
    """These visits in the order given, if each still has the version expected; locked in one order for all.

    Raises NotFound, StaleVersion, each of which names the visit.
    """
    locked = {row["id"]: _visit(row) for row in await tx.fetch(_LOCK_ALL, list(expected))}
    for visit, version in expected.items():
        if visit not in locked:
            raise NotFound(visit=str(visit))
        if locked[visit].version != version:
            raise StaleVersion(visit=str(visit), version=locked[visit].version)
    return [locked[visit] for visit in expected]


async def lock_visit_of_finding(tx: Tx, finding: FindingId) -> Visit:
    """The visit of a finding: locked first, so that the visit's events have one order. Raises NotFound."""
    row = await tx.fetchrow(_LOCK_BY_FINDING, finding)
    if row is None:
        raise NotFound(finding=str(finding))
    return _visit(row)


async def save_done(tx: Tx, outcome: Outcome) -> None:
    """Keep what was found; a visit that found nothing is closed at once."""
    done, closed = outcome.done, outcome.closed
    await tx.execute(
        _DONE,
        *(done.visit, "done" if closed is None else "closed", done.done_on, done.findings),
        closed.closed_on if closed is not None else None,
    )


async def save_all_done(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """The same for a round of visits."""
    await tx.execute(
        _DONE_ALL,
        [outcome.done.visit for outcome in outcomes],
        ["done" if outcome.closed is None else "closed" for outcome in outcomes],
        [outcome.done.done_on for outcome in outcomes],
        [outcome.done.findings for outcome in outcomes],
        [outcome.closed.closed_on if outcome.closed else None for outcome in outcomes],
    )


async def save_finding_changed(tx: Tx, visit: VisitId, *, failed_rechecks: int) -> None:
    """A visit changes with its findings; add the re-checks that failed (0 or 1)."""
    await tx.execute(
        "UPDATE visit SET failed_rechecks = failed_rechecks + $2, version = version + 1 WHERE id = $1",
        visit,
        failed_rechecks,
    )


async def save_closed(tx: Tx, event: VisitClosed) -> None:
    """Close a visit whose version this transaction has already raised."""
    await tx.execute("UPDATE visit SET state = 'closed', closed_on = $2 WHERE id = $1", event.visit, event.closed_on)


_VIEW = """
SELECT v.id AS visit, v.share_id AS share, s.task_id AS task, d.code AS village, v.department, s.title_zh, s.title_en,
       v.state, v.reported_on, v.planned_on, v.done_on, v.findings AS finding_count, v.failed_rechecks, v.closed_on,
       v.version
FROM visit v JOIN share s ON s.id = v.share_id JOIN division d ON d.id = v.division_id
"""


async def find_visit(tx: Tx, visit: VisitId) -> asyncpg.Record:
    """The visit as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE v.id = $1", visit)
    if row is None:
        raise NotFound(visit=str(visit))
    return row


async def list_visits(
    tx: Tx, *, state: str | None, share: ShareId | None, after: tuple[date, VisitId] | None, limit: int
) -> list[asyncpg.Record]:
    """Visits by the day they are planned for, from the one behind `after`."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR v.state = $1) AND ($2::uuid IS NULL OR v.share_id = $2)"
        " AND ($3::date IS NULL OR (v.planned_on, v.id) > ($3, $4::uuid))"
        " ORDER BY v.planned_on, v.id LIMIT $5",
        state,
        share,
        *(after or (None, None)),
        limit,
    )


def _visit(row: asyncpg.Record) -> Visit:
    return Visit(
        id=row["id"],
        share=row["share_id"],
        task=row["task_id"],
        village=DivisionCode(row["village"]),
        origin=Origin(service=row["origin_service"], kind=row["origin_kind"], id=row["origin_id"]),
        state=row["state"],
        reported_on=row["reported_on"],
        failed_rechecks=row["failed_rechecks"],
        version=row["version"],
    )
