"""Use case: where the county let its time to decide pass, the village's no stands by itself."""

from typing import Final

from runtime import audit, outbox
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import appeal_rules, appeal_store

UPHELD_AT_ONCE_MAX: Final = 200


async def uphold_silent_appeals(pool: Pool, actor: Actor) -> bool:
    """Decide on the longest overdue first. True: there may be more."""
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        overdue = await appeal_store.take_overdue(tx, today, UPHELD_AT_ONCE_MAX)
        events = [appeal_rules.let_stand(appealed, today=today) for appealed in overdue]
        if events:
            await appeal_store.save_decisions(tx, events, "", actor.subject)
        for event in events:
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
    return len(events) == UPHELD_AT_ONCE_MAX
