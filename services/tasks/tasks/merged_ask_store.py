"""Every SQL statement on merged asks."""

from collections.abc import Sequence

import asyncpg

from qingdan.gate import Ask
from qingdan.ids import AskId, MeetingId
from qingdan.tasks_events import AskMerged
from runtime.db import Tx


async def insert_merged(
    tx: Tx, event: AskMerged, ask: Ask, meeting: MeetingId | None, division_id: int, list_version: int
) -> None:
    await tx.execute(
        "INSERT INTO merged_ask (id, division_id, meeting_id, task_id, department, kind, title_zh, title_en, item_code,"
        " list_version, merged_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(event.ask, division_id, meeting, event.into, event.department, event.kind),
        *(ask.title_zh, ask.title_en, ask.cites, list_version, event.merged_on),
    )


async def list_merged(tx: Tx, *, department: str | None, after: AskId | None, limit: int) -> Sequence[asyncpg.Record]:
    """Merged asks by id, after the one that `after` names."""
    return await tx.fetch(
        "SELECT m.id AS ask, d.code AS division, m.meeting_id AS meeting, m.task_id AS into, m.department, m.kind,"
        " m.title_zh, m.title_en, m.item_code AS item, m.list_version, m.merged_on"
        " FROM merged_ask m JOIN division d ON d.id = m.division_id"
        " WHERE ($1::text IS NULL OR m.department = $1) AND ($2::uuid IS NULL OR m.id > $2) ORDER BY m.id LIMIT $3",
        department,
        after,
        limit,
    )


async def count_by_department(tx: Tx) -> Sequence[asyncpg.Record]:
    """How many asks in scope were merged, by department."""
    return await tx.fetch("SELECT department, count(*) AS asks FROM merged_ask GROUP BY department ORDER BY department")
