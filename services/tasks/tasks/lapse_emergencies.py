"""Use case: an emergency's item that nobody approved in time goes off the list by itself."""

from datetime import date

from runtime import audit, outbox
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import admission_rules, application_rules, application_store, list_rules, list_store


async def lapse_emergencies(pool: Pool, actor: Actor, today: date) -> bool:
    """One of them, the oldest first; return whether there was one."""
    async with transaction(pool, actor) as tx:
        found = await application_store.take_unreviewed(tx, today)
        if found is None:
            return False
        application, _ = await application_store.lock_application(tx, found, None)
        assert application.item is not None
        list_code = application.wanted.list_code
        newest = await list_store.lock_list(tx, list_code)
        standing = await list_store.list_in_force(tx, list_code, today)
        version = (newest["version"] if newest else 0) + 1
        proposed = admission_rules.without_item(standing, version, application.item, today=today)
        await application_store.save_lapsed(tx, application.id, today=today)
        if proposed is not None:  # an operator's version may have left it out already
            effect = list_rules.take_effect(proposed, standing.effective_on, today=today)
            await application_store.save_off_list(tx, application.id, version)
            await list_store.insert_version(tx, proposed)
            await outbox.append(tx, effect)
            await audit.append(tx, actor, effect)
        off_since = standing.version if proposed is None else version
        event = application_rules.lapsed(application, off_since, today=today)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return True
