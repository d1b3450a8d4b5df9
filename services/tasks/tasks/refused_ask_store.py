"""Every SQL statement on refused asks."""

from collections.abc import Sequence

import asyncpg

from qingdan.gate import Ask
from qingdan.ids import AskId, MeetingId, TaskId
from qingdan.tasks_events import AskRefused, RefusalCode, ShareRefused
from runtime.db import Tx
from tasks.share_rules import Share

_REFUSED_AT_GATE = """
INSERT INTO refused_ask (id, division_id, meeting_id, department, kind, title_zh, title_en, cited_item, code,
                         decided_by, reason, list_version, nearest_item, refused_on, earlier_task_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'gate', '', $10, $11, $12, $13)
"""

_REFUSED_BY_VILLAGE = """
INSERT INTO refused_ask (id, division_id, share_id, department, kind, title_zh, title_en, cited_item, code,
                         decided_by, reason, list_version, nearest_item, refused_on)
SELECT $1, s.division_id, s.id, s.department, s.kind, s.title_zh, s.title_en, s.item_code, $3,
       'village', $4, $5, $6, $7
FROM share s WHERE s.id = $2
"""


async def insert_refused_at_gate(
    tx: Tx, event: AskRefused, ask: Ask, meeting: MeetingId | None, division_id: int, earlier: TaskId | None
) -> None:
    """Store the gate's no; `earlier`: the task that a duplicate repeats."""
    await tx.execute(
        _REFUSED_AT_GATE,
        *(event.ask, division_id, meeting, event.department, event.kind, ask.title_zh, ask.title_en, ask.cites),
        *(event.code, event.list_version, event.nearest_item, event.refused_on, earlier),
    )


async def insert_refused_by_village(
    tx: Tx, ask: AskId, event: ShareRefused, share: Share, reason: str, list_version: int | None
) -> None:
    """Keep a village's no; the version is None where no list was in force."""
    await tx.execute(
        _REFUSED_BY_VILLAGE, *(ask, share.id, event.code, reason, list_version, share.item, event.refused_on)
    )


async def list_refused(
    tx: Tx, *, department: str | None, code: RefusalCode | None, after: AskId | None, limit: int
) -> Sequence[asyncpg.Record]:
    """Refused asks by id, after the one that `after` names."""
    return await tx.fetch(
        "SELECT r.id AS ask, d.code AS division, r.meeting_id AS meeting, r.share_id AS share, r.department, r.kind,"
        " r.title_zh, r.title_en, r.cited_item, r.code, r.decided_by, r.reason, r.list_version, r.nearest_item,"
        " r.refused_on, r.earlier_task_id AS earlier_task FROM refused_ask r JOIN division d ON d.id = r.division_id"
        " WHERE ($1::text IS NULL OR r.department = $1) AND ($2::text IS NULL OR r.code = $2)"
        " AND ($3::uuid IS NULL OR r.id > $3) ORDER BY r.id LIMIT $4",
        department,
        code,
        after,
        limit,
    )


async def count_by_department(tx: Tx) -> Sequence[asyncpg.Record]:
    """How many asks in scope were refused, by department, code and who decided."""
    return await tx.fetch(
        "SELECT department, code, decided_by, count(*) AS asks FROM refused_ask"
        " GROUP BY department, code, decided_by ORDER BY department, code, decided_by"
    )
