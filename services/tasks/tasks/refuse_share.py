"""Use case: a village says no to its share of a task, with a code bound to the list version; never a fault."""

from qingdan.ids import AskId, ShareId
from qingdan.tasks_events import ShareRefused
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id
from tasks import list_store, refused_ask_store, share_rules, share_store
from tasks.list_rules import VILLAGE_LIST
from tasks.share_rules import VillageCode


async def refuse_share(
    pool: Pool, actor: Actor, share_id: ShareId, code: VillageCode, reason: str, *, expected: Version
) -> ShareRefused:
    """Raises Forbidden, NotFound, StaleVersion, ShareAlreadyClaimed, ShareWasRefused."""
    actor.require(Role.VILLAGE_CADRE)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        share = await share_store.lock_share(tx, share_id, expected)
        version = share.list_version or await list_store.version_in_force(tx, VILLAGE_LIST, today)
        asked, refused = share_rules.refuse(share, code, AskId(new_id()), version, today=today)
        await refused_ask_store.insert_refused_by_village(tx, asked, share, reason)
        await share_store.save_refusal(tx, refused)
        await outbox.append(tx, asked)
        await outbox.append(tx, refused)
        await audit.append(tx, actor, refused)
    return refused
