"""Use case: accounts that were verified, have cooled off and were seen come into force; what nobody saw expires."""

from collections import defaultdict
from datetime import timedelta
from typing import Final

from runtime import audit
from runtime.actor import Actor
from runtime.clock import utcnow
from runtime.db import Pool, transaction
from subsidy import account_rules, account_store
from subsidy.account_rules import AccountState, Candidate

SETTLED_AT_ONCE_MAX: Final = 500


async def settle_accounts(pool: Pool, actor: Actor, expires: timedelta) -> bool:
    """Decide about the next ones; True: there may be more.

    From the commit on people are paid to the new account, and until then to the old one. expires: what has waited for
    people for so long since it was proposed is over. Payments that waited for what is decided now go on.
    """
    async with transaction(pool, actor) as tx:
        waiting = await account_store.take_to_settle(tx, expires=expires, limit=SETTLED_AT_ONCE_MAX)
        settled, now = defaultdict[AccountState, list[Candidate]](list), utcnow()
        for candidate in waiting:
            settled[account_rules.settle(candidate, now=now, expires=expires)].append(candidate)
        free = await account_store.hold_replaced(tx, [each.person for each in settled["in_force"]])
        in_force = [each for each in settled["in_force"] if each.person in free]
        if in_force:
            await account_store.put_in_force(tx, {each.id: each.person for each in in_force})
        if settled["expired"]:
            await account_store.save_expired(tx, [each.id for each in settled["expired"]])
        if decided := [*in_force, *settled["expired"]]:
            await account_store.wake_payments(tx, sorted(each.person for each in decided))
            for each in in_force:
                seen = {"confirmed_by": each.confirmed_by, "second_by": each.second_by}
                audit.note(tx, "account.in-force", str(each.id), {"person": str(each.person), **seen})
            for each in settled["expired"]:
                audit.note(tx, "account.expired", str(each.id), {"person": str(each.person)})
        woken = await account_store.wake_passed_over(tx, limit=SETTLED_AT_ONCE_MAX)
    return SETTLED_AT_ONCE_MAX in (len(decided), woken)
