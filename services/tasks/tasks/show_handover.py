"""Use case: one hand-over, without what lay on the desk."""

from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import handover_store
from tasks.handover_rules import HandOverId
from tasks.list_handovers import HandOverView


async def show_handover(pool: Pool, actor: Actor, hand_over: HandOverId) -> HandOverView:
    """Raises NotFound, also for another village's."""
    async with transaction(pool, actor) as tx:
        return HandOverView(**dict(await handover_store.find_handover(tx, hand_over)))
