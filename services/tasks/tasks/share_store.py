"""Every SQL statement on shares and the reports on them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import (
    AskKind,
    ShareCompleted,
    ShareProgressed,
    ShareRefused,
    ShareReportedDone,
)
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from tasks.share_rules import Inspected, Share

# One share and several have statements of their own: PostgreSQL plans a statement over arrays anew each time, which for
# one share costs more than carrying it out.
_LOCK = """
SELECT s.*, d.code AS village FROM share s JOIN division d ON d.id = s.division_id WHERE s.id = $1 FOR UPDATE OF s
"""
_LOCK_ALL = """
SELECT s.*, d.code AS village FROM share s JOIN division d ON d.id = s.division_id WHERE s.id = ANY($1::uuid[])
ORDER BY s.id FOR UPDATE OF s
"""

# A share given back to the village has no report of being done any more.
_INSPECTED = """
UPDATE share s SET visits = s.visits + e.visits, findings = s.findings + e.findings,
    passed_first_recheck = s.passed_first_recheck + e.passed, state = e.state,
    reported_on = CASE WHEN e.state = 'claimed' THEN NULL ELSE s.reported_on END,
    completed_on = coalesce(e.completed_on, s.completed_on),
    used_working_days = coalesce(e.used_working_days, s.used_working_days), version = s.version + 1
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[], $5::text[], $6::date[], $7::integer[])
    AS e(share, visits, findings, passed, state, completed_on, used_working_days)
WHERE s.id = e.share
"""

_PROGRESS = """
WITH changed AS (
    UPDATE share SET percent = $2, version = version + 1
    WHERE id = $1 RETURNING id, division_id, department
)
INSERT INTO share_report (share_id, division_id, department, percent, done, note, photo_sha256, reported_on, works)
SELECT id, division_id, department, $2, false, $3, $4, $5, $6 FROM changed
"""

_DONE = """
WITH changed AS (
    UPDATE share SET state = $2, percent = 100, reported_on = $3, completed_on = $4, used_working_days = $5,
        version = version + 1
    WHERE id = $1 RETURNING id, division_id, department
)
INSERT INTO share_report (share_id, division_id, department, percent, done, note, photo_sha256, reported_on, works)
SELECT id, division_id, department, 100, true, '', $6, $3, $7 FROM changed
"""

# The photos come as JSON: arrays of different lengths are no array of PostgreSQL's.
_DONE_ALL = """
WITH told AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::date[], $4::date[], $5::integer[], $6::jsonb[],
                         $7::jsonb[])
        AS e(share, state, reported_on, completed_on, used_working_days, photos, works)
), changed AS (
    UPDATE share s SET state = t.state, percent = 100, reported_on = t.reported_on, completed_on = t.completed_on,
        used_working_days = t.used_working_days, version = s.version + 1
    FROM told t WHERE s.id = t.share RETURNING s.id, s.division_id, s.department
)
INSERT INTO share_report (share_id, division_id, department, percent, done, note, photo_sha256, reported_on, works)
SELECT c.id, c.division_id, c.department, 100, true, '', ARRAY(SELECT jsonb_array_elements_text(t.photos)),
    t.reported_on, t.works
FROM changed c JOIN told t ON t.share = c.id
"""

_VIEW = """
SELECT s.id AS share, s.task_id AS task, d.code AS village, s.department, s.kind, s.item_code AS item, s.list_version,
       s.title_zh, s.title_en, s.inspect_on_completion, s.published_on, s.legal_basis, s.state, s.limit_working_days,
       s.claimed_on, s.due_on, s.provisional, s.percent, s.reported_on, s.completed_on, s.used_working_days,
       s.refusal_code, s.refused_on, s.paused_on, s.paused_working_days,
       CASE WHEN s.state = 'reported_done' THEN 'supervision' ELSE s.waiting_for END AS waiting_for,
       s.findings, s.passed_first_recheck, s.version
FROM share s JOIN division d ON d.id = s.division_id
"""


# Row-level security alone would let PostgreSQL walk all shares of the county to find one village's.
_LISTED = (
    _VIEW + "JOIN division_closure c ON c.descendant_id = s.division_id AND c.ancestor_id = app_division()"
    " WHERE ($1::text IS NULL OR s.state = $1) AND ($2::text IS NULL OR d.code = $2)"
    " AND ($3::uuid IS NULL OR s.task_id = $3) AND ($4::date IS NULL OR s.due_on < $4)"
    " AND ($5::uuid IS NULL OR s.id > $5)"
)
_BY_ID = " ORDER BY s.id LIMIT $6"
# By the same rule as today's desk, and by the index on what is open.
_ON_DESK = " AND s.is_open AND desk_part(s.state, s.due_on, s.waiting_for, s.paused_on, $7, $8) = $9"


async def lock_share(tx: Tx, share: ShareId, expected: Version) -> Share:
    """The share, held until the transaction ends, if it still has the version expected.

    A withdrawn one is given whatever was expected: that nothing is asked any more says more than that it has changed.
    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(_LOCK, share)
    if row is None:
        raise NotFound(share=str(share))
    if row["version"] != expected and row["state"] != "withdrawn":
        raise StaleVersion(share=str(share), version=row["version"])
    return _share(row)


async def lock_expected(tx: Tx, expected: Mapping[ShareId, Version]) -> list[Share]:
    """These shares in the order given, held until the transaction ends, if each still has the version expected.

    Withdrawn ones are given whatever was expected. Raises NotFound, StaleVersion, each of which names the share.
    """
    locked = await lock_shares(tx, expected)
    for share, version in expected.items():
        if share not in locked:
            raise NotFound(share=str(share))
        if locked[share].version != version and locked[share].state != "withdrawn":
            raise StaleVersion(share=str(share), version=locked[share].version)
    return [locked[share] for share in expected]


async def lock_shares(tx: Tx, shares: Iterable[ShareId]) -> dict[ShareId, Share]:
    """Those of these shares that were published here, held until the transaction ends; locked in one order for all."""
    return {row["id"]: _share(row) for row in await tx.fetch(_LOCK_ALL, list(shares))}


async def save_refusal(tx: Tx, event: ShareRefused) -> None:
    await tx.execute(
        "UPDATE share SET state = 'refused', refusal_code = $2, refused_on = $3, version = version + 1 WHERE id = $1",
        event.share,
        event.code,
        event.refused_on,
    )


async def save_progress(tx: Tx, event: ShareProgressed, note: str) -> None:
    await tx.execute(_PROGRESS, event.share, event.percent, note, event.photo_sha256, event.reported_on, _works(event))


async def save_done(tx: Tx, done: ShareReportedDone, completed: ShareCompleted | None) -> None:
    """Keep the report, and the completion if the share needs no visit."""
    await tx.execute(
        _DONE,
        *(done.share, "completed" if completed else "reported_done", done.reported_on),
        *((completed.completed_on, completed.used_working_days) if completed else (None, None)),
        done.photo_sha256,
        _works(done),
    )


async def save_all_done(tx: Tx, reported: Sequence[tuple[ShareReportedDone, ShareCompleted | None]]) -> None:
    """Keep these reports, and the completion of what needs no visit."""
    await tx.execute(
        _DONE_ALL,
        [done.share for done, _ in reported],
        ["completed" if completed else "reported_done" for _, completed in reported],
        [done.reported_on for done, _ in reported],
        [completed.completed_on if completed else None for _, completed in reported],
        [completed.used_working_days if completed else None for _, completed in reported],
        [json.dumps(done.photo_sha256) for done, _ in reported],
        [_works(done) for done, _ in reported],
    )


async def save_inspected(tx: Tx, inspected: Mapping[ShareId, Inspected]) -> None:
    """Keep what visits found of these shares, and what that means for them."""
    rows = [
        (
            *(share, each.visits, each.findings, each.passed_first_recheck, each.state),
            *((done.completed_on, done.used_working_days) if (done := each.completed) else (None, None)),
        )
        for share, each in inspected.items()
    ]
    await tx.execute(_INSPECTED, *zip(*rows, strict=True))


async def find_share(tx: Tx, share: ShareId) -> asyncpg.Record:
    """A share as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE s.id = $1", share)
    if row is None:
        raise NotFound(share=str(share))
    return row


async def list_shares(
    tx: Tx,
    *,
    state: str | None,
    village: DivisionCode | None,
    task: TaskId | None,
    due_before: date | None,
    desk: tuple[str, date, date] | None = None,
    after: ShareId | None,
    limit: int,
) -> Sequence[asyncpg.Record]:
    """Shares by id, after the one that `after` names; desk: a part of it, today, and the last day that is due soon."""
    asked = (state, village, task, due_before, after, limit)
    if desk is None:
        return await tx.fetch(_LISTED + _BY_ID, *asked)
    part, today, soon = desk
    return await tx.fetch(_LISTED + _ON_DESK + _BY_ID, *asked, today, soon, part)


async def list_reports(tx: Tx, share: ShareId) -> Sequence[asyncpg.Record]:
    """The latest reports on a share, oldest first, at most 200."""
    return await tx.fetch(
        "SELECT percent, done, note, photo_sha256, reported_on, works FROM ("
        " SELECT * FROM share_report WHERE share_id = $1 ORDER BY seq DESC LIMIT 200) AS latest ORDER BY seq",
        share,
    )


def _works(report: ShareProgressed | ShareReportedDone) -> str | None:
    return report.works.model_dump_json(exclude_none=True) if report.works is not None else None


def _share(row: asyncpg.Record) -> Share:
    return Share(
        id=ShareId(row["id"]),
        task=TaskId(row["task_id"]),
        village=DivisionCode(row["village"]),
        origin=Origin(service=row["origin_service"], kind=row["origin_kind"], id=row["origin_id"]),
        list_version=row["list_version"],
        item=row["item_code"],
        department=row["department"],
        kind=AskKind(row["kind"]),
        title_zh=row["title_zh"],
        title_en=row["title_en"],
        inspect_on_completion=row["inspect_on_completion"],
        state=row["state"],
        claimed_on=row["claimed_on"],
        due_on=row["due_on"],
        reported_on=row["reported_on"],
        version=row["version"],
        open_to=row["open_to"],
        latest_on=row["latest_on"],
        judged_due_on=row["judged_due_on"],
        limit_working_days=row["limit_working_days"],
        provisional=row["provisional"],
        paused_working_days=row["paused_working_days"],
        waiting_for=row["waiting_for"],
        paused_on=row["paused_on"],
    )
