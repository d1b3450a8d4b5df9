"""Use case: the appeal against one no, with its version."""

from qingdan.ids import AskId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import appeal_store
from tasks.list_appeals import AppealView


async def show_appeal(pool: Pool, actor: Actor, ask: AskId) -> AppealView:
    """Raises NotFound, also for what belongs to others."""
    async with transaction(pool, actor) as tx:
        return AppealView.shown_to(actor, await appeal_store.find_appeal(tx, ask))
