"""Use case: what is being computed of a county's month just now, and how long it takes."""

from qingdan.divisions import DivisionCode
from qingdan.subsidy_events import Period
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import computing_rules, computing_store
from subsidy.computing_rules import Computing, NothingComputed


async def show_computing(pool: Pool, actor: Actor, division: DivisionCode, period: Period) -> Computing:
    """Raises NothingComputed, also for a county that the actor does not see."""
    async with transaction(pool, actor) as tx:
        heard = await computing_store.find(tx, division, period)
    if heard is None:
        raise NothingComputed(division=str(division), period=period)
    return computing_rules.computing(heard)
