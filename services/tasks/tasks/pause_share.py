"""Use case: a village says that it waits for somebody: the clock of its share stands still."""

from qingdan.ids import ShareId
from qingdan.tasks_events import SharePaused
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from tasks import clock_rules, clock_store, share_store
from tasks.clock_rules import WaitingFor


async def pause_share(
    pool: Pool, actor: Actor, share_id: ShareId, waiting_for: WaitingFor, note: str, *, expected: Version
) -> SharePaused:
    """The note stays in this service.

    Raises Forbidden, NotFound, StaleVersion, ClockStandsStill, ShareNotClaimed, ShareAlreadyDone, ShareWasRefused,
    ShareWasWithdrawn.
    """
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        share = await share_store.lock_share(tx, share_id, expected)
        event = clock_rules.pause(share, waiting_for, today=business_date(utcnow()))
        await clock_store.save_pause(tx, event, note)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
