"""Use case: a village reports its share as done, which completes it unless its item asks for a visit first."""

from collections.abc import Sequence

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareCompleted, ShareReportedDone, WorksFacts
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.workday_calendar import calendar
from tasks import clock_rules, clock_store, share_rules, share_store, works_store


async def report_done(
    pool: Pool,
    actor: Actor,
    share_id: ShareId,
    photo_sha256: Sequence[str],
    *,
    works: WorksFacts | None = None,
    expected: Version,
) -> ShareReportedDone | ShareCompleted:
    """Raises Forbidden, NotFound, StaleVersion, ShareNotClaimed, ShareAlreadyDone, ShareWasRefused."""
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        share = await share_store.lock_share(tx, share_id, expected)
        days, today = await calendar(tx), business_date(utcnow())
        if share.paused_on is not None:  # what is done waits for nobody any more
            resumed = clock_rules.resume(share, days, by_village=True, today=today)
            share = clock_rules.after_resuming(share, resumed)
            await clock_store.save_resumption(tx, resumed, "", share, alone=False)
            await outbox.append(tx, resumed)
            await audit.append(tx, actor, resumed)
        done, completed = share_rules.report_done(share, photo_sha256, days, works, today=today)
        await share_store.save_done(tx, done, completed)
        if works is not None:
            await works_store.save_works(tx, [(share.id, works, today)])
        for event in (done, completed) if completed else (done,):
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
    return completed or done
