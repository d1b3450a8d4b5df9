"""Every SQL statement on shares and reports; what events tell of them is written set-based, a whole run at a time."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

import asyncpg

from inspection.visit_rules import Share
from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, VisitId
from qingdan.origin import Origin
from qingdan.tasks_events import (
    ShareClaimed,
    ShareCompleted,
    ShareLimitChanged,
    ShareProgressed,
    ShareRefused,
    ShareReportedDone,
    ShareResumed,
    ShareWithdrawn,
    TaskPublished,
)
from runtime.db import Tx
from runtime.divisions import DivisionUnknown
from runtime.problems import NotFound

Report = ShareProgressed | ShareReportedDone


class _OfAShare(Protocol):
    @property
    def share(self) -> ShareId: ...


S = TypeVar("S", bound=_OfAShare)

# A share that was heard of before the task was published here gets its words now and keeps its state.
_PUBLISHED = """
INSERT INTO share AS s (id, task_id, division_id, origin_service, origin_kind, origin_id, department, kind, item,
                        title_zh, title_en, inspect_on_completion, published_on, state)
SELECT e.share, e.task, d.id, e.origin_service, e.origin_kind, e.origin_id, e.department, e.kind, e.item,
       e.title_zh, e.title_en, e.inspect_on_completion, e.published_on, 'published'
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::boolean[], $13::date[])
    AS e(share, task, village, origin_service, origin_kind, origin_id, department, kind,
         item, title_zh, title_en, inspect_on_completion, published_on)
JOIN division d ON d.code = e.village AND d.valid_to IS NULL
ON CONFLICT (id) DO UPDATE SET
    department = excluded.department, kind = excluded.kind, item = excluded.item, title_zh = excluded.title_zh,
    title_en = excluded.title_en, inspect_on_completion = excluded.inspect_on_completion,
    published_on = excluded.published_on, version = s.version + 1
"""

_CLAIMED = """
INSERT INTO share AS s (id, task_id, division_id, origin_service, origin_kind, origin_id, department, state,
                        limit_working_days, claimed_on, due_on, provisional)
SELECT e.share, e.task, d.id, e.origin_service, e.origin_kind, e.origin_id, e.department, 'claimed',
       e.limit_working_days, e.claimed_on, e.due_on, e.provisional
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::int[],
            $9::date[], $10::date[], $11::boolean[])
    AS e(share, task, village, origin_service, origin_kind, origin_id, department, limit_working_days,
         claimed_on, due_on, provisional)
JOIN division d ON d.code = e.village AND d.valid_to IS NULL
ON CONFLICT (id) DO UPDATE SET
    state = 'claimed', department = excluded.department, limit_working_days = excluded.limit_working_days,
    claimed_on = excluded.claimed_on, due_on = excluded.due_on, provisional = excluded.provisional,
    version = s.version + 1
"""

# A due date that moves proves at least that the share was claimed.
_DUE = """
INSERT INTO share AS s (id, task_id, division_id, origin_service, origin_kind, origin_id, state, department,
                        limit_working_days, due_on, provisional)
SELECT e.share, e.task, d.id, e.origin_service, e.origin_kind, e.origin_id, 'claimed', e.department,
       e.limit_working_days, e.due_on, e.provisional
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::int[], $9::date[],
            $10::boolean[])
    AS e(share, task, village, origin_service, origin_kind, origin_id, department, limit_working_days, due_on,
         provisional)
JOIN division d ON d.code = e.village AND d.valid_to IS NULL
ON CONFLICT (id) DO UPDATE SET
    limit_working_days = coalesce(excluded.limit_working_days, s.limit_working_days), due_on = excluded.due_on,
    provisional = excluded.provisional, version = s.version + 1
"""

# An extension that the village had asked for before can be granted when the share is complete.
_EXTENDED = """
UPDATE share SET on_time = reported_on <= due_on
WHERE id = ANY($1::uuid[]) AND state = 'completed' AND reported_on IS NOT NULL
"""

# A report on a share never heard of proves at least that it was claimed.
_REPORTED = """
INSERT INTO share AS s (id, task_id, division_id, origin_service, origin_kind, origin_id, state, percent, reported_on)
SELECT e.share, e.task, d.id, e.origin_service, e.origin_kind, e.origin_id,
       CASE WHEN e.done THEN 'reported_done' ELSE 'claimed' END, e.percent, e.reported_on
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::boolean[], $8::int[],
            $9::date[])
    AS e(share, task, village, origin_service, origin_kind, origin_id, done, percent, reported_on)
JOIN division d ON d.code = e.village AND d.valid_to IS NULL
ON CONFLICT (id) DO UPDATE SET
    state = CASE WHEN excluded.state = 'reported_done' THEN 'reported_done' ELSE s.state END,
    percent = excluded.percent, reported_on = excluded.reported_on, version = s.version + 1
"""

_REPORTS = """
INSERT INTO report (share_id, division_id, department, percent, done, photo_sha256, reported_on)
SELECT s.id, s.division_id, s.department, e.percent, e.done, string_to_array(e.photos, ' '), e.reported_on
FROM unnest($1::uuid[], $2::int[], $3::boolean[], $4::text[], $5::date[]) WITH ORDINALITY
    AS e(share, percent, done, photos, reported_on, position)
JOIN share s ON s.id = e.share
ORDER BY e.position
"""

_REFUSED = """
INSERT INTO share AS s (id, task_id, division_id, origin_service, origin_kind, origin_id, department, state,
                        refusal_code, refused_on)
SELECT e.share, e.task, d.id, e.origin_service, e.origin_kind, e.origin_id, e.department, 'refused',
       e.refusal_code, e.refused_on
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::date[])
    AS e(share, task, village, origin_service, origin_kind, origin_id, department, refusal_code, refused_on)
JOIN division d ON d.code = e.village AND d.valid_to IS NULL
ON CONFLICT (id) DO UPDATE SET
    state = 'refused', department = excluded.department, refusal_code = excluded.refusal_code,
    refused_on = excluded.refused_on, version = s.version + 1
"""

_WITHDRAWN = """
INSERT INTO share AS s (id, task_id, division_id, origin_service, origin_kind, origin_id, state, withdrawal_code,
                        withdrawn_on)
SELECT e.share, e.task, d.id, e.origin_service, e.origin_kind, e.origin_id, 'withdrawn', e.withdrawal_code,
       e.withdrawn_on
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::date[])
    AS e(share, task, village, origin_service, origin_kind, origin_id, withdrawal_code, withdrawn_on)
JOIN division d ON d.code = e.village AND d.valid_to IS NULL
ON CONFLICT (id) DO UPDATE SET
    state = 'withdrawn', withdrawal_code = excluded.withdrawal_code, withdrawn_on = excluded.withdrawn_on,
    version = s.version + 1
"""

_COMPLETED = """
INSERT INTO share AS s (id, task_id, division_id, origin_service, origin_kind, origin_id, state, due_on,
                        completed_on, on_time)
SELECT e.share, e.task, d.id, e.origin_service, e.origin_kind, e.origin_id, 'completed', e.due_on,
       e.completed_on, e.on_time
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::date[], $8::date[],
            $9::boolean[])
    AS e(share, task, village, origin_service, origin_kind, origin_id, due_on, completed_on, on_time)
JOIN division d ON d.code = e.village AND d.valid_to IS NULL
ON CONFLICT (id) DO UPDATE SET
    state = 'completed', due_on = excluded.due_on, completed_on = excluded.completed_on, on_time = excluded.on_time,
    version = s.version + 1
"""


async def save_published(tx: Tx, tasks: Sequence[TaskPublished]) -> None:
    """Enter every share of these tasks. Raises DivisionUnknown."""
    rows = {
        part.share: (
            *(part.share, task.task, str(part.village), *_origin(task.origin)),
            *(task.department, task.kind, task.item, task.title_zh, task.title_en),
            *(task.inspect_on_completion, task.published_on),
        )
        for task in tasks
        for part in task.shares
    }
    await _upsert(tx, _PUBLISHED, [rows[share] for share in sorted(rows)])


async def save_claims(tx: Tx, claims: Sequence[ShareClaimed]) -> None:
    """Enter what the villages claimed and the limits they set themselves. Raises DivisionUnknown."""
    rows = [
        (
            *(claim.share, claim.task, str(claim.village), *_origin(claim.origin), claim.department),
            *(claim.limit_working_days, claim.claimed_on, claim.due_on, claim.provisional),
        )
        for claim in _last_of_each(claims)
    ]
    await _upsert(tx, _CLAIMED, rows)


async def save_due_dates(tx: Tx, changes: Sequence[ShareLimitChanged | ShareResumed]) -> None:
    """Enter when shares are due now, and whether what is complete was on time then. Raises DivisionUnknown."""
    last = _last_of_each(changes)
    rows = [
        (
            *(change.share, change.task, str(change.village), *_origin(change.origin)),
            *_limit(change),
            *(change.due_on, change.provisional),
        )
        for change in last
    ]
    await _upsert(tx, _DUE, rows)
    extended = [each.share for each in last if isinstance(each, ShareLimitChanged) and each.code == "extension"]
    if extended:
        await tx.execute(_EXTENDED, extended)


async def save_reports(tx: Tx, reports: Sequence[Report]) -> None:
    """Enter every report, and on each share how far it has come. Raises DivisionUnknown."""
    rows = [
        (
            *(report.share, report.task, str(report.village), *_origin(report.origin)),
            *(_is_done(report), _percent(report), report.reported_on),
        )
        for report in _last_of_each(reports)
    ]
    await _upsert(tx, _REPORTED, rows)
    await tx.execute(
        _REPORTS,
        [report.share for report in reports],
        [_percent(report) for report in reports],
        [_is_done(report) for report in reports],
        [" ".join(report.photo_sha256) for report in reports],
        [report.reported_on for report in reports],
    )


async def save_refusals(tx: Tx, refusals: Sequence[ShareRefused]) -> None:
    """Enter which shares the villages said no to. Raises DivisionUnknown."""
    rows = [
        (
            *(refusal.share, refusal.task, str(refusal.village), *_origin(refusal.origin)),
            *(refusal.department, refusal.code, refusal.refused_on),
        )
        for refusal in _last_of_each(refusals)
    ]
    await _upsert(tx, _REFUSED, rows)


async def save_withdrawals(tx: Tx, withdrawals: Sequence[ShareWithdrawn]) -> None:
    """Enter which shares need not be done any more. Raises DivisionUnknown."""
    rows = [
        (
            *(withdrawal.share, withdrawal.task, str(withdrawal.village), *_origin(withdrawal.origin)),
            *(withdrawal.code, withdrawal.withdrawn_on),
        )
        for withdrawal in _last_of_each(withdrawals)
    ]
    await _upsert(tx, _WITHDRAWN, rows)


async def save_completions(tx: Tx, completions: Sequence[ShareCompleted]) -> None:
    """Enter which shares are complete. Raises DivisionUnknown."""
    rows = [
        (
            *(done.share, done.task, str(done.village), *_origin(done.origin)),
            *(done.due_on, done.completed_on, done.on_time),
        )
        for done in _last_of_each(completions)
    ]
    await _upsert(tx, _COMPLETED, rows)


_LOCK = """
SELECT s.*, d.code AS village FROM share s JOIN division d ON d.id = s.division_id WHERE s.id = ANY($1::uuid[])
ORDER BY s.id FOR UPDATE OF s
"""


async def lock_share(tx: Tx, share: ShareId) -> Share:
    """A share that nobody else plans a visit of until this transaction ends. Raises NotFound."""
    return (await lock_shares(tx, [share]))[share]


async def lock_shares(tx: Tx, shares: Iterable[ShareId]) -> dict[ShareId, Share]:
    """The same for several, locked in one order for all. Raises NotFound."""
    asked = list(shares)
    rows = await tx.fetch(_LOCK, asked)
    # Asked only now: a visit planned while this waited for the lock is seen by a later statement alone.
    visits = await tx.fetch(
        "SELECT share_id, id FROM visit WHERE share_id = ANY($1::uuid[]) AND state <> 'closed'", asked
    )
    open_visits = {row["share_id"]: VisitId(row["id"]) for row in visits}
    found = {row["id"]: _share(row, open_visits.get(row["id"])) for row in rows}
    if missing := set(asked) - found.keys():
        raise NotFound(share=str(min(missing)))
    return found


_VIEW = """
SELECT s.id AS share, s.task_id AS task, d.code AS village, s.department, s.kind, s.item, s.title_zh, s.title_en,
       s.inspect_on_completion, s.published_on, s.state, s.limit_working_days, s.claimed_on, s.due_on, s.provisional,
       s.percent, s.reported_on, s.refusal_code, s.refused_on, s.completed_on, s.on_time, s.version
FROM share s JOIN division d ON d.id = s.division_id
"""


async def find_share(tx: Tx, share: ShareId) -> asyncpg.Record:
    """What this service knows of a share. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE s.id = $1", share)
    if row is None:
        raise NotFound(share=str(share))
    return row


async def list_shares(tx: Tx, *, state: str | None, after: tuple[ShareId] | None, limit: int) -> list[asyncpg.Record]:
    """Shares by id, from the one behind `after`."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR s.state = $1) AND ($2::uuid IS NULL OR s.id > $2) ORDER BY s.id LIMIT $3",
        state,
        *(after or (None,)),
        limit,
    )


async def list_reports(tx: Tx, share: ShareId) -> list[asyncpg.Record]:
    """The latest reports on a share, oldest first, at most 200."""
    return await tx.fetch(
        "SELECT percent, done, photo_sha256, reported_on FROM ("
        " SELECT * FROM report WHERE share_id = $1 ORDER BY seq DESC LIMIT 200) AS latest ORDER BY seq",
        share,
    )


def _share(row: asyncpg.Record, open_visit: VisitId | None) -> Share:
    return Share(
        id=ShareId(row["id"]),
        task=row["task_id"],
        village=DivisionCode(row["village"]),
        origin=Origin(service=row["origin_service"], kind=row["origin_kind"], id=row["origin_id"]),
        state=row["state"],
        reported_on=row["reported_on"],
        inspect_on_completion=row["inspect_on_completion"],
        open_visit=open_visit,
    )


def _origin(origin: Origin) -> tuple[Any, ...]:
    return origin.service, origin.kind, origin.id


def _last_of_each(events: Sequence[S]) -> list[S]:
    """One event for each share, the last: one statement can change a row only once.

    In order of the ids, so that two consumers which share a partition for a moment cannot lock each other out.
    """
    last = {event.share: event for event in events}
    return [last[share] for share in sorted(last)]


def _limit(change: ShareLimitChanged | ShareResumed) -> tuple[str | None, int | None]:
    """Department and limit, where the change tells them."""
    return (change.department, change.limit_working_days) if isinstance(change, ShareLimitChanged) else (None, None)


def _is_done(report: Report) -> bool:
    return isinstance(report, ShareReportedDone)


def _percent(report: Report) -> int:
    return report.percent if isinstance(report, ShareProgressed) else 100


async def _upsert(tx: Tx, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Raises DivisionUnknown when the tree lacks a village: the event is parked until the tree is imported."""
    if rows and await tx.execute(statement, *zip(*rows, strict=True)) != f"INSERT 0 {len(rows)}":
        raise DivisionUnknown()
