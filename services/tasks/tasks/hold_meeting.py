"""Use case: a township opens the record of a work meeting, at which tasks are then published."""

from datetime import date

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import MeetingId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from tasks import meeting_store
from tasks.task_rules import Meeting


class MeetingView(BaseModel):
    """A work meeting."""

    meeting: MeetingId
    division: DivisionCode
    held_on: date
    title: str


async def hold_meeting(pool: Pool, actor: Actor, division: DivisionCode, held_on: date, title: str) -> MeetingView:
    """Raises Forbidden unless the actor is town staff, DivisionUnknown for a division that is not theirs."""
    actor.require(Role.TOWN_STAFF)
    meeting = Meeting(MeetingId(new_id()), division, held_on, title)
    view = MeetingView(meeting=meeting.id, division=division, held_on=held_on, title=title)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, division)
        await meeting_store.insert_meeting(tx, meeting, division_id)
        audit.note(tx, "meeting.held", str(meeting.id), view.model_dump(mode="json"))
        tx.answer_with(view)
    return view
