"""Use case: one objection to a place, with its version."""

from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import objection_store
from tasks.list_objections import ObjectionView
from tasks.objection_rules import ObjectionId


async def show_objection(pool: Pool, actor: Actor, objection: ObjectionId) -> ObjectionView:
    """Raises NotFound, also for what belongs to others."""
    async with transaction(pool, actor) as tx:
        row = await objection_store.find_objection(tx, objection)
    return ObjectionView.shown_to(actor, row, today=business_date(utcnow()))
