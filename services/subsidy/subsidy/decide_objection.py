"""Use case: a second person of finance decides on an objection to a public notice."""

from qingdan.ids import ObjectionId
from qingdan.subsidy_events import ObjectionDecided
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from subsidy import (
    hold_store,
    ledger_store,
    objection_rules,
    objection_store,
    payment_rules,
    run_rules,
    unpaid_store,
)


async def decide_objection(
    pool: Pool, actor: Actor, objection_id: ObjectionId, *, upheld: bool, expected: Version
) -> ObjectionDecided:
    """Upheld: the item is never paid, whether or not its run has been approved yet; what was frozen stays as it was
    frozen. Dismissed: it is paid unless something else holds it.

    Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion and the refusals of objection_rules.decide.
    """
    actor.require(Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        objection = await objection_store.lock_objection(tx, objection_id, expected)
        event = objection_rules.decide(objection, actor.subject, upheld=upheld, today=business_date(utcnow()))
        await objection_store.save_decided(tx, event, decided_by=actor.subject)
        await hold_store.save_lifted(tx, objection.hold, "stop" if upheld else "resume", lifted_by=actor.subject)
        if upheld:
            stopped = await unpaid_store.stopped_by(tx, objection.hold)
            await ledger_store.post_payments(tx, [payment_rules.cancelling(*each) for each in stopped])
        await outbox.append(tx, event)
        await audit.append(tx, actor, event, before={"state": objection.state})
    return event
