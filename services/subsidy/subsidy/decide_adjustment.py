"""Use case: a second person decides on a month computed again; what is due becomes owed, what was too much is asked
back."""

import asyncio

from qingdan.ids import AdjustmentId
from qingdan.subsidy_events import PeriodAdjusted
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from subsidy import (
    adjustment_item_store,
    adjustment_rules,
    adjustment_store,
    ledger_store,
    merkle_rules,
    payment_store,
    recovery_rules,
    recovery_store,
    run_rules,
    run_store,
)


async def decide_adjustment(
    pool: Pool, actor: Actor, adjustment_id: AdjustmentId, items_hash: bytes, *, expected: Version
) -> PeriodAdjusted:
    """Arrears are paid with the month's own run, which is open again then, to be reconciled and closed once more.

    Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion, BooksMoved and the refusals of adjustment_rules.decide.
    """
    actor.require(Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    today = business_date(utcnow())
    paid, recovery = recovery_rules.MOVES["claimed"]
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, await adjustment_store.run_of(tx, adjustment_id), None)
        adjustment = await adjustment_store.lock_adjustment(tx, adjustment_id, expected)
        adjustment_rules.decide(adjustment, actor.subject, seen=items_hash)
        leaves = await adjustment_item_store.leaves_of(tx, adjustment.id)
        if await asyncio.to_thread(merkle_rules.root_of, leaves) != adjustment.items_hash:
            raise adjustment_rules.ItemsDiffer()
        await adjustment_item_store.hold_payments(tx, adjustment)
        if await adjustment_item_store.books_moved(tx, adjustment):
            raise adjustment_rules.BooksMoved()
        more = adjustment_rules.occurrence_of_more(adjustment.period, adjustment.number)
        obliged, arrears = await adjustment_item_store.oblige_arrears(tx, adjustment, more=more)
        if obliged:
            await ledger_store.post_obligations(tx, obliged)
            await payment_store.prepare_first_payments(tx, obliged)
            await run_store.save_paying(tx, run.id)
        claims = await recovery_store.claim_recoveries(tx, adjustment, decided_by=actor.subject, today=today)
        await ledger_store.post_moves(tx, claims, leaves=paid, enters=recovery)
        await adjustment_store.save_decided(tx, adjustment.id, decided_by=actor.subject, today=today)
        event = adjustment_rules.adjusted(adjustment, arrears, today=today)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event, before={"run_state": run.state, "items_hash": items_hash.hex()})
    return event
