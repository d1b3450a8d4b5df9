"""Use case: the clock of a share runs again; what it stood still is added to the due date."""

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareResumed
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.workday_calendar import calendar
from tasks import clock_rules, clock_store, share_store


async def resume_share(pool: Pool, actor: Actor, share_id: ShareId, note: str, *, expected: Version) -> ShareResumed:
    """By the village; where it waits for a department, by that department's or the township's staff as well.

    Raises Forbidden, NotFound, StaleVersion, ClockRuns, NotWaitedFor.
    """
    actor.require(Role.VILLAGE_CADRE, Role.DEPARTMENT_STAFF, Role.TOWN_STAFF)
    by_village = Role.VILLAGE_CADRE in actor.roles
    async with transaction(pool, actor) as tx:
        share = await share_store.lock_share(tx, share_id, expected)
        days = await calendar(tx)
        event = clock_rules.resume(share, days, by_village=by_village, today=business_date(utcnow()))
        await clock_store.save_resumption(tx, event, note, clock_rules.after_resuming(share, event))
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
