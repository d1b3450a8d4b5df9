"""Use case: a village reports how far its share has come."""

from collections.abc import Sequence

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareProgressed, WorksFacts
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from tasks import share_rules, share_store, works_store


async def report_progress(
    pool: Pool,
    actor: Actor,
    share_id: ShareId,
    percent: int,
    *,
    note: str,
    photo_sha256: Sequence[str],
    works: WorksFacts | None = None,
    expected: Version,
) -> ShareProgressed:
    """The note stays in this service: open topics carry no free text.

    Raises Forbidden, NotFound, StaleVersion, ShareNotClaimed, ShareAlreadyDone, ShareWasRefused.
    """
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        share = await share_store.lock_share(tx, share_id, expected)
        event = share_rules.progress(share, percent, photo_sha256, works, today=business_date(utcnow()))
        await share_store.save_progress(tx, event, note)
        if works is not None:
            await works_store.save_works(tx, [(share.id, works, event.reported_on)])
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
