"""Use case: finance closes a run whose payments all have an end, on which the bank and our books agree."""

from qingdan.ids import RunId
from qingdan.subsidy_events import RunClosed
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from subsidy import payment_store, run_rules, run_store, statement_store


async def close_run(pool: Pool, actor: Actor, run_id: RunId, *, expected: Version) -> RunClosed:
    """Raises Forbidden, NotFound, StaleVersion and the refusals of run_rules.close."""
    actor.require(Role.FINANCE_PREPARER)
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        standing = await payment_store.standing_of(tx, run.id, held=True)
        statement = await statement_store.newest(tx, run.id)
        reconciled, differences = False, 0
        if statement is not None:
            reconciled = await statement_store.is_reconciled(tx, run.id, statement)
            differences = await statement_store.count_differences(tx, run.id, statement)
        event = run_rules.close(
            run, standing, reconciled=reconciled, differences=differences, today=business_date(utcnow())
        )
        await run_store.save_closed(tx, event)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event, before={"state": run.state})
    return event
