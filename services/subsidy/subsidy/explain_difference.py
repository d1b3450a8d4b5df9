"""Use case: finance explains a difference between a day's statement and our books."""

from hashlib import sha256

from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from subsidy import daily_rules, daily_store, run_rules
from subsidy.daily_rules import Explanation
from subsidy.list_daily_differences import DailyDifferenceView


async def explain_difference(
    pool: Pool, actor: Actor, difference_id: int, explanation: Explanation, note: str, *, expected: Version
) -> DailyDifferenceView:
    """It waits for a second look then. The note may name people: it is not in the audit trail, its hash is.

    Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion, DifferenceNotThere.
    """
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        difference = await daily_store.lock_difference(tx, difference_id, expected)
        daily_rules.explain(difference)
        await daily_store.save_explained(tx, difference.id, explanation, note, explained_by=actor.subject)
        view = DailyDifferenceView(**dict(await daily_store.find_difference(tx, difference.id)))
        told = {"explanation": explanation, "note_sha256": sha256(note.encode()).hexdigest()}
        audit.note(tx, "daily-difference.explained", str(difference.id), {**told, "statement": str(view.statement)})
        tx.answer_with(view, version=view.version)
    return view
