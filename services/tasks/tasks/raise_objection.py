"""Use case: at a work meeting a village objects to a task on the table; its words stay in the minutes."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import MeetingId, ShareId, TaskId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id
from tasks import meeting_rules, meeting_store


class Objection(BaseModel):
    """That a village objected; what it said stands in the minutes."""

    objection: UUID
    meeting: MeetingId
    village: DivisionCode
    task: TaskId
    share: ShareId
    raised_on: date


async def raise_objection(
    pool: Pool, actor: Actor, meeting: MeetingId, village: DivisionCode, task: TaskId, words: str
) -> Objection:
    """By the village itself, or by the township that keeps the minutes. An objection is no refusal: the share stays.

    Raises Forbidden, NotFound for a meeting the village is not invited to (or a village out of scope),
    MeetingIsClosed, TaskNotOnTheTable, AlreadyObjected.
    """
    actor.require(Role.VILLAGE_CADRE, Role.TOWN_STAFF)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        closed_on = await meeting_store.lock_invitation(tx, meeting, village)
        found = await meeting_store.find_share_on_table(tx, meeting, task, village)
        share, division_id = meeting_rules.object_to(meeting, task, village, found, closed_on=closed_on)
        view = Objection(objection=new_id(), meeting=meeting, village=village, task=task, share=share, raised_on=today)
        if not await meeting_store.insert_objection(tx, view.objection, meeting, share, division_id, words, today):
            raise meeting_rules.AlreadyObjected(share=str(share))
        audit.note(tx, "meeting.objected", str(meeting), view.model_dump(mode="json"))
        tx.answer_with(view)
    return view
