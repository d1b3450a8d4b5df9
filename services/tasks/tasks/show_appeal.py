"""Use case: the appeal against one no, with its version."""

from qingdan.ids import AskId
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import appeal_rules, appeal_store, stage_store
from tasks.list_appeals import AppealView


async def show_appeal(pool: Pool, actor: Actor, ask: AskId) -> AppealView:
    """Raises NotFound, also for what belongs to others."""
    reader = appeal_store.decider(actor)
    async with transaction(pool, appeal_store.scope_of(actor, reader)) as tx:
        stages = await stage_store.stages_in_force(tx, "ordinary", business_date(utcnow()))
        department = appeal_rules.department_shown(reader, stages.seated)
        return AppealView.shown_to(actor, await appeal_store.find_appeal(tx, ask, department))
