"""Every SQL statement on extensions."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

import asyncpg

from qingdan.ids import ShareId
from qingdan.tasks_events import ExtensionAsked
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from tasks.extension_rules import Decided, Extension, ExtensionId

# The share is the aggregate: its row is locked with the extension's, so that events of one task keep their order.
_EXTENSION: Final = """
SELECT e.id, e.share_id, e.limit_working_days, e.reason, e.asked_by, e.state, e.version
FROM share s JOIN share_extension e ON e.share_id = s.id
"""
_LOCK = _EXTENSION + "WHERE e.id = $1 FOR UPDATE OF s, e"
_TAKE_OVERDUE = (
    _EXTENSION + "WHERE e.state = 'open' AND e.decide_by < $1 ORDER BY e.decide_by, e.id LIMIT $2"
    " FOR UPDATE OF s, e SKIP LOCKED"
)

# The share's version grows with it: who looks at the share learns that something has changed.
_ASK = """
WITH changed AS (
    UPDATE share SET version = version + 1 WHERE id = $2 RETURNING id, division_id, department
)
INSERT INTO share_extension (id, share_id, division_id, department, limit_working_days, due_before, due_asked, reason,
                             asked_by, asked_on, decide_by)
SELECT $1, id, division_id, department, $3, $4, $5, $6, $7, $8, $9 FROM changed
"""

_DECIDE = """
UPDATE share_extension SET state = $2, decided_on = $3, decided_by = $4, decision_reason = $5, version = version + 1
WHERE id = $1
"""

# From now on the share is judged by its due date again, whatever had passed before.
_EXTEND = """
WITH changed AS (
    UPDATE share SET limit_working_days = $2, due_on = $3, provisional = $4, judged_due_on = NULL, version = version + 1
    WHERE id = $1 RETURNING id, division_id, department
)
INSERT INTO share_limit (share_id, division_id, department, changed_by, changed_on, limit_before, limit_after,
                         due_before, due_after, in_time, reason, code)
SELECT id, division_id, department, $5, $6, $7, $2, $8, $3, true, $9, 'extension' FROM changed
"""

_VIEW = """
SELECT e.id AS extension, e.share_id AS share, s.task_id AS task, d.code AS village, e.department, s.title_zh,
       s.title_en, s.state AS share_state, e.limit_working_days, e.due_before, e.due_asked, e.reason, e.asked_on,
       e.decide_by, e.state, e.decided_on, e.decision_reason, e.version
FROM share_extension e JOIN share s ON s.id = e.share_id JOIN division d ON d.id = e.division_id
"""


async def has_open(tx: Tx, share: ShareId) -> bool:
    """Whether an extension of the share, locked before, waits for its decision."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM share_extension WHERE share_id = $1 AND state = 'open')", share
    )
    return found


async def insert_extension(
    tx: Tx, extension: ExtensionId, event: ExtensionAsked, due_before: date, due_asked: date, reason: str
) -> None:
    """due_before: what on time is judged by today; due_asked: where the limit asked for ends."""
    await tx.execute(
        _ASK,
        *(extension, event.share, event.limit_working_days, due_before, due_asked, reason, tx.actor.subject),
        *(event.asked_on, event.decide_by),
    )


async def lock_extension(tx: Tx, extension: ExtensionId, expected: Version) -> Extension:
    """The extension and its share, held until the transaction ends. Raises NotFound, StaleVersion."""
    row = await tx.fetchrow(_LOCK, extension)
    if row is None:
        raise NotFound(extension=str(extension))
    if row["version"] != expected:
        raise StaleVersion(extension=str(extension), version=row["version"])
    return _extension(row)


async def take_overdue(tx: Tx, today: date, limit: int) -> list[Extension]:
    """Those whose time to decide is over, with their shares, the longest overdue first; no replica waits."""
    return [_extension(row) for row in await tx.fetch(_TAKE_OVERDUE, today, limit)]


async def save_decisions(tx: Tx, decided: Iterable[Decided], reason: str) -> None:
    """Close these extensions; what was granted is the share's limit, with the village's reason in the history."""
    for each in decided:
        state = "granted" if each.event.granted else "refused"
        await tx.execute(_DECIDE, each.extension.id, state, each.event.decided_on, tx.actor.subject, reason)
        if (change := each.change) is not None:
            event = change.event
            await tx.execute(
                _EXTEND,
                *(event.share, event.limit_working_days, event.due_on, event.provisional, tx.actor.subject),
                *(event.changed_on, change.limit_before, change.due_before, each.extension.reason),
            )


async def find_extension(tx: Tx, extension: ExtensionId) -> asyncpg.Record:
    """An extension as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE e.id = $1", extension)
    if row is None:
        raise NotFound(extension=str(extension))
    return row


async def list_extensions(
    tx: Tx,
    *,
    state: str | None,
    share: ShareId | None,
    after: tuple[date, ExtensionId] | None,
    limit: int,
) -> Sequence[asyncpg.Record]:
    """Extensions by the day until which they are decided, after the one that `after` names."""
    decide_by, extension = after or (None, None)
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR e.state = $1) AND ($2::uuid IS NULL OR e.share_id = $2)"
        " AND ($3::date IS NULL OR (e.decide_by, e.id) > ($3, $4)) ORDER BY e.decide_by, e.id LIMIT $5",
        *(state, share, decide_by, extension, limit),
    )


def _extension(row: asyncpg.Record) -> Extension:
    return Extension(
        id=ExtensionId(row["id"]),
        share=ShareId(row["share_id"]),
        limit_working_days=row["limit_working_days"],
        reason=row["reason"],
        asked_by=row["asked_by"],
        state=row["state"],
        version=row["version"],
    )
