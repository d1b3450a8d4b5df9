"""Use case: finance takes a frozen run back before it is approved; it is a preview again, to be computed anew."""

from qingdan.ids import OpenCode, RunId
from qingdan.subsidy_events import RunReturned
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from subsidy import return_store, run_rules, run_store


async def return_run(
    pool: Pool, actor: Actor, run_id: RunId, frozen_hash: bytes, reason: OpenCode, *, expected: Version
) -> RunReturned:
    """Who approves returns it, and who prepares withdraws it. Its public notice is over, and approvals that were given
    count no more. Objections, holds and what was stopped stay as they are.

    Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion and the refusals of run_rules.give_back.
    """
    actor.require(Role.FINANCE_APPROVER, Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        event = run_rules.give_back(run, seen=frozen_hash, reason=reason, today=today)
        approvers = await run_store.approvers_of(tx, run.id)
        await return_store.enter(tx, event, approvals=len(approvers), returned_by=actor.subject)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event, before={"state": run.state, "approved_by": approvers})
        tx.answer_with(event, version=expected + 1)
    return event
