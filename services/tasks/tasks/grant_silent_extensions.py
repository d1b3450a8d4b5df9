"""Use case: where nobody decided on an extension in time, it is granted by itself."""

from typing import Final

from runtime import audit, outbox
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.workday_calendar import calendar
from tasks import extension_rules, extension_store, share_store

GRANTED_AT_ONCE_MAX: Final = 200


async def grant_silent_extensions(pool: Pool, actor: Actor) -> bool:
    """Grant the longest overdue first. True: there may be more."""
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        overdue = await extension_store.take_overdue(tx, today, GRANTED_AT_ONCE_MAX)
        if not overdue:
            return False
        shares = await share_store.lock_shares(tx, {extension.share for extension in overdue})
        days = await calendar(tx)
        decided = [extension_rules.let_pass(each, shares[each.share], days, today=today) for each in overdue]
        await extension_store.save_decisions(tx, decided, "")
        for each in decided:
            await outbox.append(tx, each.event)
            await audit.append(tx, actor, each.event)
            if each.change is not None:
                await outbox.append(tx, each.change.event)
                await audit.append(tx, actor, each.change.event, before={"due_on": each.change.due_before})
    return len(overdue) == GRANTED_AT_ONCE_MAX
