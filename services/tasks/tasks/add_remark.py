"""Use case: the township adds a remark to the record of a work meeting, which is itself never changed once closed."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from qingdan.ids import MeetingId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id
from tasks import meeting_store


class Remark(BaseModel):
    """That something was added; its words stand in the record."""

    remark: UUID
    meeting: MeetingId
    made_on: date


async def add_remark(pool: Pool, actor: Actor, meeting_id: MeetingId, words: str) -> Remark:
    """Also to a closed record; every village invited reads it. Raises Forbidden unless town staff, NotFound."""
    actor.require(Role.TOWN_STAFF)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        meeting, division_id = await meeting_store.find_meeting(tx, meeting_id)
        view = Remark(remark=new_id(), meeting=meeting.id, made_on=today)
        await meeting_store.insert_remark(tx, view.remark, meeting.id, division_id, words, today)
        audit.note(tx, "meeting.remarked", str(meeting_id), view.model_dump(mode="json"))
        tx.answer_with(view)
    return view
