"""Use case: an operator puts a whole new version of a list in force."""

from collections.abc import Sequence
from datetime import date

from qingdan.access_events import ListVersionTookEffect
from qingdan.ids import ListCode
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import list_rules, list_store
from tasks.list_rules import Item, ListVersion, NegativeEntry


async def publish_list_version(
    pool: Pool,
    actor: Actor,
    list_code: ListCode,
    *,
    effective_on: date,
    items: Sequence[Item],
    negative: Sequence[NegativeEntry],
) -> ListVersionTookEffect:
    """Number and store the version; everybody learns of it by the event.

    Raises Forbidden unless the actor is an operator, and what `list_rules.take_effect` raises.
    """
    actor.require(Role.OPERATOR)
    async with transaction(pool, actor) as tx:
        newest = await list_store.lock_list(tx, list_code)
        version, before = (newest["version"] + 1, newest["effective_on"]) if newest else (1, None)
        proposed = ListVersion(list_code, version, effective_on, tuple(items), tuple(negative))
        event = list_rules.take_effect(proposed, before, today=business_date(utcnow()))
        await list_store.insert_version(tx, proposed)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
