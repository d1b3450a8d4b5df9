"""A tasks service that has been in use for years: a million finished tasks beside what is on the desks today."""

from datetime import date, timedelta
from typing import Final

import asyncpg

from devkit.postgres import SUPERUSER
from devkit.stack import Stack
from tests.bench.surroundings import settle

ITEM: Final = "RS01"
LIST_VERSION: Final = {
    "list_code": "village",
    "effective_on": "2021-01-01",
    "items": [
        {
            "code": ITEM,
            "category": "statutory",
            "title_zh": "办理本村的公共事务和公益事业",
            "title_en": "Run the village's public affairs and welfare",
            "owner_department": "MZJ",
            "askers": ["MZJ"],
            "kinds": ["task"],
            "hours_estimate": 8,
            "inspect_on_completion": False,
            "paid": True,
        }
    ],
    "negative": [],
}
"""A list of one item that may be asked as often as needed: no lifecycle is turned away at the gate."""

_TASKS = """
INSERT INTO task (id, division_id, origin_service, origin_kind, origin_id, list_code, list_version, item_code,
                  department, kind, title_zh, title_en, inspect_on_completion, published_on)
SELECT uuidv7(), 1, 'tasks', 'emergency', uuidv7(), 'village', 1, $1, 'MZJ', 'task', '已完成任务' || n,
       'Finished task ' || n, false, $2::date - (n % 1000)::int
FROM generate_series(1, $3::int) AS n
"""
_SHARES = """
INSERT INTO share (id, task_id, division_id, origin_service, origin_kind, origin_id, list_version, item_code,
                   department, kind, title_zh, title_en, inspect_on_completion, published_on, state,
                   limit_working_days, claimed_on, due_on, provisional, percent, reported_on,
                   completed_on, used_working_days, version)
SELECT uuidv7(), t.id, v.id, 'tasks', 'emergency', t.origin_id, 1, t.item_code, t.department, t.kind, t.title_zh,
       t.title_en, false, t.published_on, 'completed', 10, t.published_on, t.published_on + 14, false, 100,
       t.published_on + 7, t.published_on + 7, 5, 4
FROM (SELECT *, row_number() OVER () AS n FROM task) AS t
JOIN (SELECT id, row_number() OVER (ORDER BY code) - 1 AS n, count(*) OVER () AS of FROM division WHERE code = ANY($1))
    AS v ON v.n = t.n % v.of
WHERE NOT EXISTS (SELECT 1 FROM share s WHERE s.task_id = t.id)
"""


async def seed_finished_tasks(stack: Stack, villages: list[str], count: int) -> None:
    """Enter so many tasks of the last thousand days, each finished by one village."""
    session = await asyncpg.connect(stack.postgres.url(SUPERUSER, stack.postgres.database("tasks").name))
    try:
        await session.execute(_TASKS, ITEM, date.today() - timedelta(days=30), count, timeout=600)
        await session.execute(_SHARES, villages, timeout=600)
    finally:
        await session.close()
    await settle(stack, "tasks", "task", "share", "share_report", "outbox", "audit_entry", "idempotency")
