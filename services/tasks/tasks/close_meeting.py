"""Use case: the township closes the record of a work meeting; nothing is published in it any more."""

from qingdan.ids import MeetingId
from qingdan.tasks_events import MeetingClosed
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from tasks import meeting_rules, meeting_store


async def close_meeting(pool: Pool, actor: Actor, meeting_id: MeetingId, *, expected: Version) -> MeetingClosed:
    """Raises Forbidden unless the actor is town staff, NotFound, StaleVersion, MeetingIsClosed."""
    actor.require(Role.TOWN_STAFF)
    async with transaction(pool, actor) as tx:
        meeting = await meeting_store.lock_meeting(tx, meeting_id, expected)
        meeting_rules.require_open(meeting)
        event = meeting_rules.close(
            meeting, await meeting_store.count_meeting(tx, meeting_id), today=business_date(utcnow())
        )
        await meeting_store.save_closed(tx, meeting_id, event.closed_on)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
