"""Use case: the stages that applications of a kind pass, as they stood on a day."""

from datetime import date

from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import stage_store
from tasks.change_stages import StageSetView
from tasks.stage_rules import StageKind


async def show_stages(pool: Pool, actor: Actor, kind: StageKind, as_of: date | None) -> StageSetView:
    """as_of: None is today. Raises NoStagesInForce."""
    async with transaction(pool, actor) as tx:
        return StageSetView.of(await stage_store.stages_in_force(tx, kind, as_of or business_date(utcnow())))
