"""Every SQL statement on work meetings."""

from qingdan.divisions import DivisionCode
from qingdan.ids import MeetingId
from runtime.db import Tx
from runtime.problems import NotFound
from tasks.task_rules import Meeting


async def insert_meeting(tx: Tx, meeting: Meeting, division_id: int) -> None:
    await tx.execute(
        "INSERT INTO meeting (id, division_id, held_on, title) VALUES ($1, $2, $3, $4)",
        meeting.id,
        division_id,
        meeting.held_on,
        meeting.title,
    )


async def find_meeting(tx: Tx, meeting: MeetingId) -> tuple[Meeting, int]:
    """The meeting and the id of its division. Raises NotFound."""
    row = await tx.fetchrow(
        "SELECT m.division_id, m.held_on, m.title, d.code FROM meeting m JOIN division d ON d.id = m.division_id"
        " WHERE m.id = $1",
        meeting,
    )
    if row is None:
        raise NotFound(meeting=str(meeting))
    return Meeting(meeting, DivisionCode(row["code"]), row["held_on"], row["title"]), row["division_id"]
