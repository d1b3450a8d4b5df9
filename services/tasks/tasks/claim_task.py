"""Use case: a village's secretary claims its share of a published task and sets the time limit."""

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareClaimed
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.workday_calendar import calendar
from tasks import claim_rules, claim_store, share_store


async def claim_task(
    pool: Pool, actor: Actor, share_id: ShareId, limit_working_days: int, *, expected: Version
) -> ShareClaimed:
    """Raises Forbidden, NotFound, StaleVersion, TaskTaken, ShareAlreadyClaimed, ShareWasRefused, ShareWasWithdrawn,
    BeyondStatutoryDate.
    """
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        share = await share_store.lock_share(tx, share_id, expected)
        event = claim_rules.claim(share, limit_working_days, await calendar(tx), today=business_date(utcnow()))
        if share.open_to == "first":
            claim_rules.require_held([share], await claim_store.hold_tasks(tx, [share.id]))
        await claim_store.save_claim(tx, event)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
