"""Use case: days with unsettled differences are compared again by themselves, so that late results settle them."""

from datetime import timedelta

from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import daily_store


async def compare_open_days(pool: Pool, actor: Actor, since: timedelta) -> bool:
    """The day that was compared longest ago, if that is so long; True: there may be more."""
    async with transaction(pool, actor) as tx:
        statement = await daily_store.lock_next_to_compare(tx, since=since)
        if statement is None:
            return False
        await daily_store.compare(tx, statement)
    return True
