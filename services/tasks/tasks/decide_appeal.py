"""Use case: the county decides on an appeal against a village's no, for good."""

from qingdan.ids import AskId
from qingdan.tasks_events import RefusalDecided
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from tasks import appeal_rules, appeal_store


async def decide_appeal(
    pool: Pool, actor: Actor, ask: AskId, upheld: bool, reason: str, *, expected: Version
) -> RefusalDecided:
    """`expected` is the appeal's version; a share whose no was overturned is published again.

    Raises Forbidden, NotFound, StaleVersion, CountyDecides, OwnAppeal, AppealDecided.
    """
    actor.require(Role.ACCESS_APPROVER)
    async with transaction(pool, actor) as tx:
        appealed = await appeal_store.lock_appeal(tx, ask, expected)
        event = appeal_rules.decide(
            appealed,
            upheld,
            level=actor.division.level,
            subject=actor.subject,
            department=actor.department,
            today=business_date(utcnow()),
        )
        await appeal_store.save_decisions(tx, [event], reason, actor.subject)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
