"""Use case: one extension."""

from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import extension_store
from tasks.extension_rules import ExtensionId
from tasks.list_extensions import ExtensionView


async def show_extension(pool: Pool, actor: Actor, extension: ExtensionId) -> ExtensionView:
    """Raises NotFound, also for another village's or another department's."""
    async with transaction(pool, actor) as tx:
        return ExtensionView(**dict(await extension_store.find_extension(tx, extension)))
