"""Use case: the county decides on an appeal against a village's no, for good."""

from qingdan.ids import AskId
from qingdan.tasks_events import RefusalDecided
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from tasks import appeal_rules, appeal_store, stage_store


async def decide_appeal(
    pool: Pool, actor: Actor, ask: AskId, upheld: bool, reason: str, *, expected: Version
) -> RefusalDecided:
    """`expected` is the appeal's version; a share whose no was overturned is published again.

    Raises Forbidden, NotFound, StaleVersion, CountyDecides, OwnAppeal, AppealDecided, TimeToDecideOver.
    """
    actor.require(Role.ACCESS_APPROVER)
    today = business_date(utcnow())
    decider = appeal_store.decider(actor)
    async with transaction(pool, appeal_store.scope_of(actor, decider)) as tx:
        seated = (await stage_store.stages_in_force(tx, "ordinary", today)).seated
        appeal_rules.require_county(decider, seated)
        appealed = await appeal_store.lock_appeal(tx, ask, expected)
        event = appeal_rules.decide(appealed, upheld, decider, seated, today=today)
        await appeal_store.save_decisions(tx, [event], reason, actor.subject)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
