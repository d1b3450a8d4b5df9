"""Use case: the incoming secretary accepts a desk as it was recorded; what the village has claimed stays claimed."""

from qingdan.tasks_events import DeskTransferred
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from tasks import handover_rules, handover_store
from tasks.handover_rules import HandOverId


async def accept_desk(pool: Pool, actor: Actor, hand_over: HandOverId, *, expected: Version) -> DeskTransferred:
    """By a cadre of the village, another person than who handed it over.

    Limits need nothing new: while a date has not passed the village may set another, with its reason (change_limit).
    Raises Forbidden, NotFound, StaleVersion, NotYourDesk, OwnHandOver, HandOverClosed.
    """
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        recorded = await handover_store.lock_handover(tx, hand_over, expected)
        event = handover_rules.accept(
            recorded, division=actor.division, subject=actor.subject, today=business_date(utcnow())
        )
        await handover_store.save_acceptance(tx, hand_over, event.transferred_on)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
