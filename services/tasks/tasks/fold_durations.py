"""Use case: what villages finished counts from now on in how long such tasks take."""

from typing import Final

from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import duration_store

_AT_ONCE: Final = 5_000


async def fold_durations(pool: Pool, actor: Actor) -> bool:
    """Fold some of what was finished into the histogram; return whether there may be more."""
    async with transaction(pool, actor) as tx:
        return await duration_store.fold(tx, _AT_ONCE) == _AT_ONCE
