"""Use case: the delegations of the asker's department, those that hold or those that are over."""

from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import delegation_store
from tasks.delegate_approvals import DelegationView


async def list_delegations(pool: Pool, actor: Actor, *, ended: bool = False) -> list[DelegationView]:
    """At most the latest 200, oldest first; what was revoked is over."""
    async with transaction(pool, actor) as tx:
        rows = await delegation_store.list_delegations(tx, business_date(utcnow()), ended=ended)
    return [DelegationView(**dict(row)) for row in rows]
