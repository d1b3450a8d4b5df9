"""Shares that lie on the villages' desks, entered without the service."""

from uuid import UUID, uuid4

import asyncpg

from runtime.ids import new_id


async def seed_shares(
    connection: "asyncpg.Connection[asyncpg.Record]", villages: list[str], count: int
) -> list[tuple[UUID, str]]:
    """Published shares, one task for every round of the villages; the list item is not looked at by a claim."""
    rounds = -(-count // len(villages))
    tasks = [new_id() for _ in range(rounds)]
    await connection.execute(
        "INSERT INTO list_version (list_code, version, effective_on) VALUES ('bench', 1, '2021-01-01')"
        " ON CONFLICT DO NOTHING"
    )
    await connection.execute(
        "INSERT INTO list_item VALUES ('bench', 1, 'RS01', 'statutory', '测试', 'bench', '法', '条', 'MZJ', '{MZJ}',"
        " '{task}', 12, 10, false, false) ON CONFLICT DO NOTHING"
    )
    await connection.execute(
        "INSERT INTO task (id, division_id, origin_service, origin_kind, origin_id, list_code, list_version, item_code,"
        " department, kind, title_zh, title_en, inspect_on_completion, published_on)"
        " SELECT t, 1, 'tasks', 'work_meeting', t, 'bench', 1, 'RS01', 'MZJ', 'task', '测试任务', 'bench task', false,"
        " '2021-01-04' FROM unnest($1::uuid[]) AS t",
        tasks,
    )
    shares = [(uuid4(), villages[n % len(villages)], tasks[n // len(villages)]) for n in range(count)]
    await connection.execute(
        "INSERT INTO share (id, task_id, division_id, origin_service, origin_kind, origin_id, list_version, item_code,"
        " department, kind, title_zh, title_en, inspect_on_completion, published_on, state)"
        " SELECT s.id, s.task, d.id, 'tasks', 'work_meeting', s.task, 1, 'RS01', 'MZJ', 'task', '测试', 'bench',"
        " false, '2021-01-04', 'published' FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS s(id, village, task)"
        " JOIN division d ON d.code = s.village",
        [share for share, _, _ in shares],
        [village for _, village, _ in shares],
        [task for _, _, task in shares],
    )
    return [(share, village) for share, village, _ in shares]
