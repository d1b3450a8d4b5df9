"""Use case: once more is known of the calendar, provisional due dates are reckoned again."""

from datetime import date
from typing import Final
from uuid import UUID

from qingdan.tasks_events import ShareLimitChanged
from runtime import audit, outbox
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.workday_calendar import latest_calendar
from tasks import clock_rules, clock_store, share_store

SHARES_AT_ONCE_MAX: Final = 2_000
_FIRST: Final = UUID(int=0)


async def recount_due_dates(pool: Pool, actor: Actor) -> bool:
    """Look at the next SHARES_AT_ONCE_MAX shares, if what is known had changed at an earlier turn.

    What is learned meanwhile begins the count anew, at the next turn. True: there are more.
    """
    async with transaction(pool, actor) as tx:
        if (counted := await clock_store.lock_recount(tx)) is None:
            return False
        days, known = await latest_calendar(tx)
        if counted["known"] != known:
            # Not yet: for some seconds other processes still reckon new claims by what they knew.
            await clock_store.save_recount(tx, known, done=False, behind=_FIRST)
            return False
        if counted["done"]:
            return False
        provisional, end = await clock_store.provisional_shares(tx, counted["behind"], SHARES_AT_ONCE_MAX)
        await clock_store.save_recount(tx, known, done=end is None, behind=end or _FIRST)
        shares = (await share_store.lock_shares(tx, provisional)).values()
        today = business_date(utcnow())
        under_way = [share for share in shares if share.state in ("claimed", "reported_done")]
        passed = await clock_store.limits_passed(tx, [share.id for share in under_way if share.judged_due_on])
        recounted: dict[ShareLimitChanged, date | None] = {}
        for share in under_way:
            judged = clock_rules.judged_again(share, passed.get(share.id), days)
            event = clock_rules.recount(share, days, judged_due_on=judged, today=today)
            if event is not None:
                recounted[event] = judged
                await outbox.append(tx, event)
                await audit.append(
                    tx, actor, event, before={"due_on": share.due_on, "judged_due_on": share.judged_due_on}
                )
        await clock_store.save_recounted(tx, recounted)
    return end is not None
