"""Every SQL statement on tasks; a task is stored together with the shares it is made of."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.gate import Ask, EarlierAsk
from qingdan.ids import ItemCode, ListCode, TaskId
from qingdan.tasks_events import AskKind, TaskPublished
from runtime.db import Tx
from runtime.problems import NotFound

# One statement for the task and all its shares, however many villages there are.
_INSERT = """
WITH task AS (
    INSERT INTO task (id, division_id, meeting_id, origin_service, origin_kind, origin_id, list_code, list_version,
                      item_code, department, kind, title_zh, title_en, inspect_on_completion, published_on,
                      open_to, hours_estimate, latest_on, beyond_budget_reason)
    VALUES ($1, $2, CASE WHEN $4 = 'work_meeting' THEN $5::uuid END, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
            $14, $17, $18, $19, $21)
    RETURNING *
)
INSERT INTO share (id, task_id, division_id, origin_service, origin_kind, origin_id, list_version, item_code,
                   department, kind, title_zh, title_en, inspect_on_completion, published_on, open_to,
                   hours_estimate, latest_on, state, beyond_budget)
SELECT part.share, task.id, part.village, task.origin_service, task.origin_kind, task.origin_id, task.list_version,
       task.item_code, task.department, task.kind, task.title_zh, task.title_en, task.inspect_on_completion,
       task.published_on, task.open_to, task.hours_estimate, task.latest_on, 'published', part.beyond_budget
FROM task, unnest($15::uuid[], $16::integer[], $20::boolean[]) AS part(share, village, beyond_budget)
"""

# The same for many tasks of one share each. Tells which origins are new: the others have their task.
_INSERT_REMOVALS = """
WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::uuid[], $6::text[], $7::text[],
                         $8::text[], $9::text[], $10::boolean[], $11::date[], $12::text[])
        AS e(task, share, village, origin_service, origin_id, department, kind, title_zh, title_en,
             inspect_on_completion, published_on, legal_basis)
), task AS (
    INSERT INTO task (id, division_id, origin_service, origin_kind, origin_id, department, kind, title_zh, title_en,
                      inspect_on_completion, published_on, legal_basis)
    SELECT e.task, e.village, e.origin_service, 'removal_order', e.origin_id, e.department, e.kind, e.title_zh,
           e.title_en, e.inspect_on_completion, e.published_on, e.legal_basis
    FROM asked e
    ON CONFLICT (origin_service, origin_id) WHERE origin_kind = 'removal_order' DO NOTHING
    RETURNING *
), share AS (
    INSERT INTO share (id, task_id, division_id, origin_service, origin_kind, origin_id, department, kind, title_zh,
                       title_en, inspect_on_completion, published_on, legal_basis, state)
    SELECT e.share, task.id, task.division_id, task.origin_service, task.origin_kind, task.origin_id, task.department,
           task.kind, task.title_zh, task.title_en, task.inspect_on_completion, task.published_on, task.legal_basis,
           'published'
    FROM task JOIN asked e ON e.task = task.id
)
SELECT id FROM task
"""

_VIEW = """
SELECT t.id AS task, d.code AS division, t.meeting_id AS meeting, t.origin_service, t.origin_kind, t.origin_id,
       t.list_version, t.item_code AS item, t.department, t.kind, t.title_zh, t.title_en, t.inspect_on_completion,
       t.published_on, t.legal_basis, t.open_to, t.hours_estimate, t.latest_on,
       t.beyond_budget_reason, s.shares, s.published, s.claimed, s.reported_done, s.completed, s.refused, s.withdrawn
FROM task t JOIN division d ON d.id = t.division_id CROSS JOIN LATERAL (
    SELECT count(*) AS shares,
           count(*) FILTER (WHERE state = 'published') AS published,
           count(*) FILTER (WHERE state = 'claimed') AS claimed,
           count(*) FILTER (WHERE state = 'reported_done') AS reported_done,
           count(*) FILTER (WHERE state = 'completed') AS completed,
           count(*) FILTER (WHERE state = 'refused') AS refused,
           count(*) FILTER (WHERE state = 'withdrawn') AS withdrawn
    FROM share WHERE share.task_id = t.id
) AS s
"""

# The asks of other departments are found in the index alone: with `<>`, each row that the department itself asked would
# be read. One village and several have statements of their own: PostgreSQL plans a statement over an array anew each
# time, and one that compares with a parameter as well, unless that stands in a query of its own: planning takes ten
# times as long as looking.
_OF_OTHERS = """
SELECT task_id, department, kind, title_zh, title_en, division_id, published_on FROM share
WHERE division_id = {village} AND published_on >= (SELECT $2::date) AND kind = $4 AND item_code IS NOT NULL
    AND state NOT IN ('refused', 'withdrawn') AND department {others} (SELECT $3::text)
ORDER BY published_on DESC LIMIT 100
"""
_ASKED = f"""
({_OF_OTHERS.replace("{others}", "<")}) UNION ALL ({_OF_OTHERS.replace("{others}", ">")})
ORDER BY published_on DESC LIMIT 100
"""
_EARLIER_OF_ONE = f"""
SELECT task_id, department, kind, title_zh, title_en, ARRAY[division_id] AS villages
FROM ({_ASKED.replace("{village}", "$1")}) AS e ORDER BY task_id DESC
"""  # noqa: S608
_EARLIER = f"""
SELECT e.task_id, e.department, e.kind, e.title_zh, e.title_en, array_agg(e.division_id) AS villages
FROM unnest($1::integer[]) AS asked(village)
CROSS JOIN LATERAL ({_ASKED.replace("{village}", "asked.village")}) AS e
GROUP BY e.task_id, e.department, e.kind, e.title_zh, e.title_en ORDER BY e.task_id DESC
"""  # noqa: S608


async def insert_task(
    tx: Tx,
    event: TaskPublished,
    list_code: ListCode,
    division_id: int,
    villages: Mapping[DivisionCode, int],
    *,
    beyond: Collection[DivisionCode] = (),
    reason: str | None = None,
) -> None:
    """Store the task and a share for each of its villages, whose ids are in `villages`.

    beyond: those that it takes beyond their budget of hours; reason: why it must be all the same.
    """
    await tx.execute(
        _INSERT,
        *(event.task, division_id, event.origin.service, event.origin.kind, event.origin.id),
        *(list_code if event.item else None, event.list_version, event.item, event.department, event.kind),
        *(event.title_zh, event.title_en, event.inspect_on_completion, event.published_on),
        [part.share for part in event.shares],
        [villages[part.village] for part in event.shares],
        *(event.open_to or "each", event.hours_estimate, event.latest_on),
        [part.village in beyond for part in event.shares],
        reason,
    )


async def insert_removal_tasks(
    tx: Tx, events: Sequence[TaskPublished], villages: Mapping[DivisionCode, int]
) -> set[TaskId]:
    """Store those tasks whose removal order has none yet, each with its one share; return which these are."""
    rows = [
        (
            *(event.task, event.shares[0].share, villages[event.division], event.origin.service, event.origin.id),
            *(event.department, event.kind, event.title_zh, event.title_en, event.inspect_on_completion),
            *(event.published_on, event.legal_basis),
        )
        for event in events
    ]
    return {TaskId(row["id"]) for row in await tx.fetch(_INSERT_REMOVALS, *zip(*rows, strict=True))}


async def find_task(tx: Tx, task: TaskId) -> asyncpg.Record:
    """A task with its shares counted by state. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE t.id = $1", task)
    if row is None:
        raise NotFound(task=str(task))
    return row


async def list_tasks(tx: Tx, *, department: str | None, after: TaskId | None, limit: int) -> Sequence[asyncpg.Record]:
    """Tasks by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR t.department = $1) AND ($2::uuid IS NULL OR t.id > $2)"
        " ORDER BY t.id LIMIT $3",
        department,
        after,
        limit,
    )


async def lock_asked_villages(tx: Tx, villages: Collection[int]) -> None:
    """Let one ask at a time be checked and published in a village, until the end of the transaction.

    Two asks at once would each see that the other is not there. The villages are locked in 64 groups, in their order:
    an ask of a thousand villages takes no more locks than PostgreSQL has room for.
    """
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('asked_villages:' || part, 0))"
        " FROM (SELECT DISTINCT id % 64 AS part FROM unnest($1::integer[]) AS id ORDER BY 1) AS parts",
        list(villages),
    )


async def count_asks_of_year(
    tx: Tx, item: ItemCode, villages: Mapping[DivisionCode, int], year: int
) -> dict[DivisionCode, int]:
    """How often each of these villages was asked under the item in a calendar year; those never asked are left out."""
    rows = await tx.fetch(
        "SELECT division_id, count(*) AS asks FROM share WHERE division_id = ANY($1::integer[])"
        " AND published_on BETWEEN make_date($2, 1, 1) AND make_date($2, 12, 31) AND item_code = $3"
        " AND state <> 'withdrawn' GROUP BY division_id",
        list(villages.values()),
        year,
        item,
    )
    asks = {row["division_id"]: row["asks"] for row in rows}
    return {code: asks[id_] for code, id_ in villages.items() if id_ in asks}


async def list_earlier_asks(tx: Tx, ask: Ask, villages: Mapping[DivisionCode, int], since: date) -> list[EarlierAsk]:
    """What other departments asked of these villages in the same form since that day, newest first.

    At most the newest 100 of each village. What a village refused or need not do any more answers no other ask.
    """
    ids = list(villages.values())
    rows = await (
        tx.fetch(_EARLIER_OF_ONE, ids[0], since, ask.department, ask.kind)
        if len(ids) == 1
        else tx.fetch(_EARLIER, ids, since, ask.department, ask.kind)
    )
    codes = {id_: code for code, id_ in villages.items()}
    return [
        EarlierAsk(
            TaskId(row["task_id"]),
            row["department"],
            AskKind(row["kind"]),
            row["title_zh"],
            row["title_en"],
            frozenset(codes[village] for village in row["villages"]),
        )
        for row in rows
    ]
