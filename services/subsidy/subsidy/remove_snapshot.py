"""Use case: what a closed run was computed from goes when it has been kept for as long as it has to be."""

from runtime import audit
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from subsidy import retention_rules, retention_store


async def remove_snapshot(pool: Pool, actor: Actor, kept_years: int) -> bool:
    """Of the run that was closed first, one in each turn; True: there may be more.

    The list's hash, the rules' version, entitlements, payments and books stay. Whether its time is over the database
    decides by itself once more, and it refuses what the service takes away before (asyncpg.IntegrityConstraintViolation
    Error, of which nothing remains).
    """
    async with transaction(pool, actor) as tx:
        closed_before = retention_rules.closed_before(business_date(utcnow()), kept_years)
        run = await retention_store.lock_run_out_of_time(tx, closed_before)
        if run is None:
            return False
        removed_on = await retention_store.enter_removed(tx, run, kept_years)
        parts = await retention_store.remove(tx, run.id)
        said = {"closed_on": run.closed_on, "kept_years": kept_years, "removed_on": removed_on, "parts": parts}
        audit.note(tx, "run.snapshot-removed", str(run.id), said)
    return True
