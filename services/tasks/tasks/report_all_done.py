"""Use case: a village reports several of its shares as done at once, each with its own photos."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pydantic import BaseModel

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareCompleted, ShareReportedDone, WorksFacts
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.workday_calendar import calendar
from tasks import clock_rules, clock_store, share_rules, share_store, works_store


class SharesDone(BaseModel):
    """What became of each share, in the order reported: complete, or waiting for its visit."""

    done: list[ShareCompleted | ShareReportedDone]


async def report_all_done(
    pool: Pool,
    actor: Actor,
    expected: Mapping[ShareId, Version],
    photos: Mapping[ShareId, Sequence[str]],
    works: Mapping[ShareId, WorksFacts] = MappingProxyType({}),
) -> SharesDone:
    """Report all of these shares or none; `photos` has the SHA-256 digests of each share's photos, `works` what public
    works took and saved, where there is something to tell.

    Raises Forbidden, NotFound, StaleVersion, ShareNotClaimed, ShareAlreadyDone, ShareWasRefused; all but the first
    name the share.
    """
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        shares = await share_store.lock_expected(tx, expected)
        days, today = await calendar(tx), business_date(utcnow())
        for n, share in enumerate(shares):
            if share.paused_on is not None:  # what is done waits for nobody any more
                resumed = clock_rules.resume(share, days, by_village=True, today=today)
                shares[n] = clock_rules.after_resuming(share, resumed)
                await clock_store.save_resumption(tx, resumed, "", shares[n], alone=False)
                await outbox.append(tx, resumed)
                await audit.append(tx, actor, resumed)
        reported = [
            share_rules.report_done(share, photos[share.id], days, works.get(share.id), today=today) for share in shares
        ]
        await share_store.save_all_done(tx, reported)
        if works:
            await works_store.save_works(tx, [(share, works[share], today) for share in sorted(works)])
        for done, completed in reported:
            for event in (done, completed) if completed else (done,):
                await outbox.append(tx, event)
                await audit.append(tx, actor, event)
        answer = SharesDone(done=[completed or done for done, completed in reported])
        tx.answer_with(answer)
    return answer
