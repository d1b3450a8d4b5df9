"""Use case: how far a run has come, what it waits for, and how long it takes."""

from qingdan.ids import RunId
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from subsidy import progress_rules, progress_store
from subsidy.progress_rules import Progress


async def show_progress(pool: Pool, actor: Actor, run: RunId) -> Progress:
    """Raises NotFound."""
    async with transaction(pool, actor) as tx:
        standing = await progress_store.standing_of(tx, run)
    return progress_rules.progress(standing, today=business_date(utcnow()))
