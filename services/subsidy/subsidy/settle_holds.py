"""Use case: payments that were held go on once nothing holds them; those that were stopped end unsent."""

from typing import Final

from runtime import audit
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from subsidy import ledger_store, payment_rules, payment_store

SETTLED_AT_ONCE_MAX: Final = 500


async def settle_holds(pool: Pool, actor: Actor) -> bool:
    """Go on with the next ones; True: there may be more.

    A stopped payment is rejected unsent, and the money goes back to the budget unless a bank refused an earlier attempt
    of the same obligation: a word of that bank could still move it, and it stays payable.
    """
    async with transaction(pool, actor) as tx:
        decided = await payment_store.take_decided(tx, limit=SETTLED_AT_ONCE_MAX)
        if resumed := [each.id for each in decided if not each.stopped]:
            await payment_store.save_resumed(tx, resumed)
        if stopped := [each for each in decided if each.stopped]:
            await payment_store.save_stopped(tx, [each.id for each in stopped], today=business_date(utcnow()))
            cancelled = [payment_rules.cancelling(each.id, "payable") for each in stopped if each.ours_for_good]
            await ledger_store.post_payments(tx, cancelled)
            for each in stopped:
                audit.note(tx, "payment.stopped", str(each.id), {"cancelled": each.ours_for_good})
    return len(decided) == SETTLED_AT_ONCE_MAX
