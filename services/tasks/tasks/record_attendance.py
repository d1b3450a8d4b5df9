"""Use case: the township records which of the invited villages came to a work meeting."""

from collections.abc import Sequence

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import MeetingId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from tasks import meeting_rules, meeting_store


class Attendance(BaseModel):
    """Who came, of how many."""

    meeting: MeetingId
    attended: list[DivisionCode]
    invited: int


async def record_attendance(
    pool: Pool, actor: Actor, meeting_id: MeetingId, villages: Sequence[DivisionCode], *, expected: Version
) -> Attendance:
    """These came, and no others: what was recorded before is corrected. Attendance counts nothing in any assessment.

    Raises Forbidden unless the actor is town staff, NotFound, StaleVersion, MeetingIsClosed, VillagesNotInvited.
    """
    actor.require(Role.TOWN_STAFF)
    async with transaction(pool, actor) as tx:
        meeting = await meeting_store.lock_meeting(tx, meeting_id, expected)
        meeting_rules.require_open(meeting)
        invited = await meeting_store.invited_villages(tx, meeting_id)
        await meeting_store.save_attendance(tx, meeting_id, meeting_rules.attend(villages, invited))
        view = Attendance(meeting=meeting_id, attended=list(villages), invited=len(invited))
        audit.note(tx, "meeting.attended", str(meeting_id), view.model_dump(mode="json"))
        tx.answer_with(view, version=expected + 1)
    return view
