"""Use case: a township opens the record of a work meeting, at which tasks are then published."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, MeetingId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from tasks import meeting_rules, meeting_store
from tasks.meeting_rules import Point
from tasks.task_rules import Meeting


class AgendaPoint(BaseModel):
    """A point of the agenda, and the department that brings it, if any."""

    title: str
    department: DepartmentCode | None = None


class MeetingView(BaseModel):
    """A work meeting, whose record is open."""

    meeting: MeetingId
    division: DivisionCode
    held_on: date
    title: str
    agenda: list[AgendaPoint] = []


async def hold_meeting(
    pool: Pool, actor: Actor, division: DivisionCode, held_on: date, title: str, agenda: Sequence[Point] = ()
) -> MeetingView:
    """All villages of the division are invited.

    Raises Forbidden unless the actor is town staff, DivisionUnknown for a division that is not theirs,
    MeetingInTheFuture.
    """
    actor.require(Role.TOWN_STAFF)
    meeting_rules.require_held(held_on, today=business_date(utcnow()))
    meeting = Meeting(MeetingId(new_id()), division, held_on, title)
    points = [AgendaPoint(**asdict(point)) for point in agenda]
    view = MeetingView(meeting=meeting.id, division=division, held_on=held_on, title=title, agenda=points)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, division)
        await meeting_store.insert_meeting(tx, meeting, division_id, agenda)
        audit.note(tx, "meeting.held", str(meeting.id), view.model_dump(mode="json"))
        tx.answer_with(view)
    return view
