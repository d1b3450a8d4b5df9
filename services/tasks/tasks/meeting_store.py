"""Every SQL statement on work meetings: who is invited, who came, objections, and the minutes."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from uuid import UUID

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import MeetingId, ShareId, TaskId
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from tasks.meeting_rules import Counts, Point
from tasks.task_rules import Meeting

_INSERT = """
WITH meeting AS (
    INSERT INTO meeting (id, division_id, held_on, title, agenda) VALUES ($1, $2, $3, $4, $5::jsonb)
    RETURNING *
)
INSERT INTO meeting_village (meeting_id, division_id, held_on, title, agenda, held_by)
SELECT m.id, v.id, m.held_on, m.title, m.agenda, m.division_id
FROM meeting m JOIN division_closure c ON c.ancestor_id = m.division_id
JOIN division v ON v.id = c.descendant_id AND v.level = 'village' AND v.valid_to IS NULL
"""

_FIND = """
SELECT m.id, m.division_id, m.held_on, m.title, m.closed_on, m.version, d.code
FROM meeting m JOIN division d ON d.id = m.division_id WHERE m.id = $1
"""

_COUNTS = """
SELECT (SELECT count(*) FROM meeting_village WHERE meeting_id = $1) AS villages_invited,
       (SELECT count(*) FROM meeting_village WHERE meeting_id = $1 AND attended) AS villages_attended,
       (SELECT count(*) FROM task WHERE meeting_id = $1) AS tasks,
       (SELECT count(*) FROM task t JOIN share s ON s.task_id = t.id
        WHERE t.meeting_id = $1 AND s.claimed_on IS NOT NULL) AS claims,
       (SELECT count(*) FROM meeting_objection WHERE meeting_id = $1) AS objections
"""

_CLOSE = """
WITH closed AS (UPDATE meeting SET closed_on = $2, version = version + 1 WHERE id = $1 RETURNING id)
UPDATE meeting_village v SET closed_on = $2 FROM closed WHERE v.meeting_id = closed.id
"""

_VIEW = """
SELECT m.id AS meeting, d.code AS division, m.held_on, m.title, m.agenda, m.closed_on, m.version,
       v.invited, v.attended, m.division_id AS reader_id
FROM meeting m JOIN division d ON d.id = m.division_id CROSS JOIN LATERAL (
    SELECT count(*) AS invited, count(*) FILTER (WHERE attended) AS attended
    FROM meeting_village WHERE meeting_id = m.id
) AS v
"""

# What a village sees of a meeting of the township: its own invitation, and its own shares of the tasks. The tasks were
# published on the day of the meeting or later, which bounds how many of its shares are looked at.
_INVITATION = """
SELECT v.meeting_id AS meeting, d.code AS division, v.held_on, v.title, v.agenda, v.closed_on, NULL AS version,
       NULL AS invited, NULL AS attended, v.division_id AS reader_id
FROM meeting_village v JOIN division d ON d.id = v.held_by
"""

_OWN_TASKS = """
SELECT s.task_id AS task, s.department, s.item_code AS item, s.list_version, s.title_zh, s.title_en, s.open_to,
    json_build_array(json_build_object(
        'share', s.id, 'village', d.code, 'state', s.state, 'claimed_on', s.claimed_on,
        'limit_working_days', s.limit_working_days, 'due_on', s.due_on)) AS shares
FROM meeting_village v JOIN division d ON d.id = v.division_id
JOIN share s ON s.division_id = v.division_id AND s.published_on >= v.held_on
WHERE v.meeting_id = $1 AND s.origin_kind = 'work_meeting' AND s.origin_id = v.meeting_id
    AND ($2::uuid IS NULL OR s.task_id > $2)
ORDER BY s.task_id LIMIT $3
"""

_TASKS = """
SELECT t.id AS task, t.department, t.item_code AS item, t.list_version, t.title_zh, t.title_en, t.open_to, (
    SELECT coalesce(json_agg(json_build_object(
        'share', s.id, 'village', d.code, 'state', s.state, 'claimed_on', s.claimed_on,
        'limit_working_days', s.limit_working_days, 'due_on', s.due_on) ORDER BY d.code), '[]')
    FROM share s JOIN division d ON d.id = s.division_id WHERE s.task_id = t.id
) AS shares
FROM task t WHERE t.meeting_id = $1 AND ($2::uuid IS NULL OR t.id > $2) ORDER BY t.id LIMIT $3
"""


async def insert_meeting(tx: Tx, meeting: Meeting, division_id: int, agenda: Sequence[Point]) -> None:
    """Store the meeting and invite every village of its division."""
    points = json.dumps([asdict(point) for point in agenda], ensure_ascii=False)
    await tx.execute(_INSERT, meeting.id, division_id, meeting.held_on, meeting.title, points)


async def find_meeting(tx: Tx, meeting: MeetingId) -> tuple[Meeting, int]:
    """The meeting and the id of its division; nobody closes it until this transaction ends. Raises NotFound."""
    row = await tx.fetchrow(_FIND + "FOR KEY SHARE OF m", meeting)  # as the tasks that refer to it lock it anyway
    if row is None:
        raise NotFound(meeting=str(meeting))
    return _meeting(row), row["division_id"]


async def lock_meeting(tx: Tx, meeting: MeetingId, expected: Version) -> Meeting:
    """The meeting, if it still has the version expected; until this transaction ends nothing is published in it.

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(_FIND + "FOR UPDATE OF m", meeting)
    if row is None:
        raise NotFound(meeting=str(meeting))
    if row["version"] != expected:
        raise StaleVersion(meeting=str(meeting), version=row["version"])
    return _meeting(row)


async def invited_villages(tx: Tx, meeting: MeetingId) -> dict[DivisionCode, int]:
    """The villages invited, with their ids."""
    rows = await tx.fetch(
        "SELECT d.code, d.id FROM meeting_village v JOIN division d ON d.id = v.division_id WHERE v.meeting_id = $1",
        meeting,
    )
    return {DivisionCode(row["code"]): row["id"] for row in rows}


async def save_attendance(tx: Tx, meeting: MeetingId, came: Collection[int]) -> None:
    """These villages came, and no others."""
    await tx.execute(
        "UPDATE meeting_village SET attended = division_id = ANY($2::integer[])"
        " WHERE meeting_id = $1 AND attended <> (division_id = ANY($2::integer[]))",
        meeting,
        list(came),
    )
    await tx.execute("UPDATE meeting SET version = version + 1 WHERE id = $1", meeting)


async def lock_invitation(tx: Tx, meeting: MeetingId, village: DivisionCode) -> date | None:
    """When the meeting that this village is invited to was closed; it stays as it is until this transaction ends.

    A village sees its invitation and not the meeting. Raises NotFound.
    """
    row = await tx.fetchrow(
        "SELECT v.closed_on FROM meeting_village v JOIN division d ON d.id = v.division_id"
        " WHERE v.meeting_id = $1 AND d.code = $2 FOR UPDATE OF v",
        meeting,
        str(village),
    )
    if row is None:
        raise NotFound(meeting=str(meeting), village=str(village))
    closed_on: date | None = row["closed_on"]
    return closed_on


async def find_share_on_table(
    tx: Tx, meeting: MeetingId, task: TaskId, village: DivisionCode
) -> tuple[ShareId, int] | None:
    """The village's share of a task of this meeting, and the village's id; None if there is none."""
    row = await tx.fetchrow(
        "SELECT s.id, s.division_id FROM share s JOIN division d ON d.id = s.division_id"
        " WHERE s.task_id = $2 AND d.code = $3 AND s.origin_kind = 'work_meeting' AND s.origin_id = $1",
        meeting,
        task,
        str(village),
    )
    return None if row is None else (ShareId(row["id"]), row["division_id"])


async def insert_objection(
    tx: Tx, objection: object, meeting: MeetingId, share: ShareId, division_id: int, words: str, today: date
) -> bool:
    """Keep the objection; return False when the village has objected to this share before."""
    added = await tx.fetchval(
        "INSERT INTO meeting_objection (id, meeting_id, share_id, division_id, words, raised_on)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (share_id) DO NOTHING RETURNING id",
        *(objection, meeting, share, division_id, words, today),
    )
    return added is not None


async def count_meeting(tx: Tx, meeting: MeetingId) -> Counts:
    """What has come of the meeting so far."""
    row = await tx.fetchrow(_COUNTS, meeting)
    assert row is not None, "a count has one row"
    return Counts(**dict(row))


async def save_closed(tx: Tx, meeting: MeetingId, closed_on: date) -> None:
    """The record is closed, and every village invited can see that on its own row."""
    await tx.execute(_CLOSE, meeting, closed_on)


async def view_meeting(tx: Tx, meeting: MeetingId, *, invited: bool) -> asyncpg.Record:
    """A meeting as it is shown; `invited`: to a village, which sees its own part. Raises NotFound."""
    row = await tx.fetchrow(_INVITATION + "WHERE v.meeting_id = $1" if invited else _VIEW + "WHERE m.id = $1", meeting)
    if row is None:
        raise NotFound(meeting=str(meeting))
    return row


async def list_meetings(tx: Tx, *, invited: bool, after: MeetingId | None, limit: int) -> Sequence[asyncpg.Record]:
    """Meetings by id, after the one that `after` names; `invited`: as a village sees those it is invited to."""
    if invited:
        return await tx.fetch(
            _INVITATION + "WHERE $1::uuid IS NULL OR v.meeting_id > $1 ORDER BY v.meeting_id LIMIT $2", after, limit
        )
    return await tx.fetch(_VIEW + "WHERE $1::uuid IS NULL OR m.id > $1 ORDER BY m.id LIMIT $2", after, limit)


async def list_attendance(tx: Tx, meeting: MeetingId) -> Sequence[asyncpg.Record]:
    """Who is invited, and whether they came."""
    return await tx.fetch(
        "SELECT d.code AS village, v.attended FROM meeting_village v JOIN division d ON d.id = v.division_id"
        " WHERE v.meeting_id = $1 ORDER BY d.code",
        meeting,
    )


async def list_objections(tx: Tx, meeting: MeetingId) -> Sequence[asyncpg.Record]:
    """What villages objected to, oldest first, at most 1000."""
    return await tx.fetch(
        "SELECT o.id AS objection, o.share_id AS share, s.task_id AS task, d.code AS village, o.words, o.raised_on"
        " FROM meeting_objection o JOIN share s ON s.id = o.share_id JOIN division d ON d.id = o.division_id"
        " WHERE o.meeting_id = $1 ORDER BY o.id LIMIT 1000",
        meeting,
    )


async def list_table(
    tx: Tx, meeting: MeetingId, *, invited: bool, after: TaskId | None, limit: int
) -> Sequence[asyncpg.Record]:
    """The tasks on the table by id, each with its shares as JSON, after the one that `after` names.

    invited: for a village, with its own shares alone.
    """
    return await tx.fetch(_OWN_TASKS if invited else _TASKS, meeting, after, limit)


async def insert_remark(tx: Tx, remark: UUID, meeting: MeetingId, division_id: int, words: str, today: date) -> None:
    """Keep the remark for the meeting's division and for every village invited."""
    await tx.execute(
        "INSERT INTO meeting_remark (id, meeting_id, division_id, words, made_on)"
        " SELECT $1, $2, readers.id, $4, $5 FROM ("
        " SELECT $3::integer AS id UNION SELECT division_id FROM meeting_village WHERE meeting_id = $2) AS readers",
        *(remark, meeting, division_id, words, today),
    )


async def list_remarks(tx: Tx, meeting: MeetingId, reader_id: int) -> Sequence[asyncpg.Record]:
    """What was added to the record, oldest first, at most 1000."""
    return await tx.fetch(
        "SELECT id AS remark, words, made_on FROM meeting_remark WHERE meeting_id = $1 AND division_id = $2"
        " ORDER BY id LIMIT 1000",
        *(meeting, reader_id),
    )


def _meeting(row: asyncpg.Record) -> Meeting:
    return Meeting(
        MeetingId(row["id"]), DivisionCode(row["code"]), row["held_on"], row["title"], closed_on=row["closed_on"]
    )
