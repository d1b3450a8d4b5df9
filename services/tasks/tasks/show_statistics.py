"""Use case: how much was asked, claimed, completed and refused, counted from the rows in the asker's scope."""

from pydantic import BaseModel, Field

from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import statistics_store


class Statistics(BaseModel):
    """Counts of one moment; every row is in the asker's scope."""

    meetings: int
    tasks: int
    shares: int
    shares_claimed: int = Field(description="ever claimed, whatever became of them")
    shares_completed: int
    shares_refused: int
    villages_claimed: int = Field(description="villages that claimed at least one share")
    asks_refused_at_gate: int
    asks_refused_by_villages: int
    letters_signed: int = Field(description="accepted asks of the kind letter")
    history_rows: int


async def show_statistics(pool: Pool, actor: Actor) -> Statistics:
    """Count now."""
    async with transaction(pool, actor) as tx:
        return Statistics(**dict(await statistics_store.count(tx)))
