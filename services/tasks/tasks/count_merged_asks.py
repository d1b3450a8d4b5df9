"""Use case: how often each department asked what another had asked already, and was content with its answer."""

from pydantic import BaseModel

from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import merged_ask_store


class MergedCount(BaseModel):
    """How many asks of a department were merged into earlier tasks."""

    department: str
    asks: int


async def count_merged_asks(pool: Pool, actor: Actor) -> list[MergedCount]:
    """All departments with a merged ask in the asker's scope."""
    async with transaction(pool, actor) as tx:
        return [MergedCount(**dict(row)) for row in await merged_ask_store.count_by_department(tx)]
