"""Use case: a second person looks at what was said of a difference, and confirms it or sends it back."""

from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from subsidy import daily_rules, daily_store, run_rules
from subsidy.list_daily_differences import DailyDifferenceView


async def confirm_difference(
    pool: Pool, actor: Actor, difference_id: int, *, agrees: bool, expected: Version
) -> DailyDifferenceView:
    """Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion, DifferenceNotThere, SecondLookNeeded."""
    actor.require(Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        difference = await daily_store.lock_difference(tx, difference_id, expected)
        daily_rules.confirm(difference, actor.subject)
        if agrees:
            await daily_store.save_confirmed(tx, difference.id, confirmed_by=actor.subject)
        else:
            await daily_store.save_sent_back(tx, difference.id)
        view = DailyDifferenceView(**dict(await daily_store.find_difference(tx, difference.id)))
        told = {"state": view.state, "explained_by": difference.explained_by, "statement": str(view.statement)}
        audit.note(tx, "daily-difference.looked-at", str(difference.id), told)
        tx.answer_with(view, version=view.version)
    return view
