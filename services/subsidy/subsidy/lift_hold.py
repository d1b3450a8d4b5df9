"""Use case: a second person of finance lets what is held be paid, or stops it for good."""

from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from subsidy import hold_rules, hold_store, ledger_store, payment_rules, run_rules, unpaid_store
from subsidy.hold_rules import HoldId, HoldOutcome
from subsidy.list_holds import HoldView


async def lift_hold(pool: Pool, actor: Actor, hold_id: HoldId, outcome: HoldOutcome, *, expected: Version) -> HoldView:
    """`resume`: it is paid with the next turn, unless another hold is on it. `stop`: one item is never paid, now or
    later; of a wider hold, what waits to be sent or failed just now is not, and what becomes owed later is paid; of a
    death also what a run entitles to already, once nothing of the living waits for it. What came back and is stopped is
    the budget's again.

    Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion, OthersWait and the refusals of hold_rules.lift.
    """
    actor.require(Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        hold = await hold_store.lock_hold(tx, hold_id, expected)
        hold_rules.lift(hold, actor.subject, outcome)
        if hold.cause == "death":
            hold_rules.require_nobody_else(await hold_store.count_others(tx, hold.beneficiary))
        await hold_store.save_lifted(tx, hold.id, outcome, lifted_by=actor.subject)
        if outcome == "stop":
            stopped = await unpaid_store.stopped_by(tx, hold.id)
            await ledger_store.post_payments(tx, [payment_rules.cancelling(*each) for each in stopped])
        view = HoldView(**dict(await hold_store.find_hold(tx, hold.id)))
        audit.note(tx, "hold.lifted", str(hold.id), {"outcome": outcome, "cause": hold.cause})
        tx.answer_with(view, version=view.version)
    return view
