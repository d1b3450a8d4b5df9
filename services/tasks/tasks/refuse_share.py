"""Use case: a village says no to its share of a task, with a code bound to the list version; never a fault."""

from contextlib import suppress

from qingdan.ids import AskId, ShareId
from qingdan.tasks_events import ShareRefused
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id
from tasks import appeal_store, list_store, refused_ask_store, share_rules, share_store
from tasks.list_rules import VILLAGE_LIST, NoListInForce
from tasks.share_rules import VillageCode


async def refuse_share(
    pool: Pool, actor: Actor, share_id: ShareId, code: VillageCode, reason: str, *, expected: Version
) -> ShareRefused:
    """Bound to the version that the task was published under, else to the one in force, if any.

    A task that takes a load off needs no list, and a village may say no to it before there is one: such a no is kept
    with its ask like any other, but no ask.refused event tells of it, since that names a version; share.refused does.

    Raises Forbidden, NotFound, StaleVersion, ShareAlreadyClaimed, ShareWasRefused, ShareWasWithdrawn,
    RefusalOverturned.
    """
    actor.require(Role.VILLAGE_CADRE)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        share = await share_store.lock_share(tx, share_id, expected)
        version = share.list_version
        if version is None:
            with suppress(NoListInForce):
                version = await list_store.version_in_force(tx, VILLAGE_LIST, today)
        overturned = await appeal_store.codes_overturned(tx, share_id)
        ask = AskId(new_id())
        asked, refused = share_rules.refuse(share, code, ask, version, overturned=overturned, today=today)
        await refused_ask_store.insert_refused_by_village(tx, ask, refused, share, reason, version)
        await share_store.save_refusal(tx, refused)
        if asked is not None:
            await outbox.append(tx, asked)
        await outbox.append(tx, refused)
        await audit.append(tx, actor, refused)
    return refused
