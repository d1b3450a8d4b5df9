"""Use case: a village took a task that was open to the first; nothing is asked of the others any more."""

from typing import Final

from runtime import audit, outbox
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import burden_store, claim_rules, claim_store, share_store

_TASKS_AT_ONCE: Final = 10  # each may have a thousand shares


async def withdraw_taken_shares(pool: Pool, actor: Actor) -> bool:
    """Withdraw the others' shares of some tasks that are taken; return whether there may be more such tasks.

    By the service itself, a moment after the claim: the village that claims sees and writes no row of its neighbours'.
    Until then their shares are on the table and can no longer be claimed. A claim is remembered until this is done.
    """
    async with transaction(pool, actor) as tx:
        tasks = await claim_store.lock_taken_tasks(tx, _TASKS_AT_ONCE)
        shares = await share_store.lock_shares(tx, await claim_store.unclaimed_shares(tx, tasks))
        events = claim_rules.withdraw(shares.values(), today=business_date(utcnow()))
        await burden_store.lock_rows_of(tx, [event.share for event in events])
        await claim_store.save_withdrawals(tx, events, tasks)
        for event in events:
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
    return len(tasks) == _TASKS_AT_ONCE
