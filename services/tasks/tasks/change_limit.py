"""Use case: a village's secretary sets another limit for what the village has claimed, with the reason."""

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareLimitChanged
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.workday_calendar import calendar
from tasks import claim_rules, claim_store, share_store


async def change_limit(
    pool: Pool, actor: Actor, share_id: ShareId, limit_working_days: int, reason: str, *, expected: Version
) -> ShareLimitChanged:
    """The reason and the old limit stay in the history of the share, for good.

    Raises Forbidden, NotFound, StaleVersion, ShareNotClaimed, ShareAlreadyDone, ShareWasRefused, ShareWasWithdrawn,
    LimitInThePast, BeyondStatutoryDate.
    """
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        claimed = await claim_store.with_limit(tx, await share_store.lock_share(tx, share_id, expected))
        change = claim_rules.change_limit(
            claimed, limit_working_days, await calendar(tx), today=business_date(utcnow())
        )
        await claim_store.save_limit(tx, change, reason)
        await outbox.append(tx, change.event)
        await audit.append(
            tx, actor, change.event, before={"limit_working_days": change.limit_before, "due_on": change.due_before}
        )
    return change.event
