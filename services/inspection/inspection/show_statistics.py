"""Use case: how much was visited, found, checked again and answered, counted from the rows in the asker's scope."""

from pydantic import BaseModel, Field

from inspection import statistics_store
from runtime.actor import Actor
from runtime.db import Pool, transaction


class Statistics(BaseModel):
    """Counts of one moment; every row is in the asker's scope."""

    shares: int
    shares_claimed: int = Field(description="ever claimed, whatever became of them")
    shares_completed: int
    visits: int
    visits_planned: int
    visits_done: int = Field(description="done, with findings that have not all passed")
    visits_closed: int
    findings: int
    findings_open: int
    findings_rectified: int
    findings_passed: int
    rechecks_passed: int
    rechecks_failed: int
    difficulties_raised: int
    difficulties_answered: int = Field(description="resolved or explained")
    difficulties_forwarded: int = Field(description="passed on and still waiting for a resolution or an explanation")
    difficulties_open: int


async def show_statistics(pool: Pool, actor: Actor) -> Statistics:
    """Count now."""
    async with transaction(pool, actor) as tx:
        return Statistics(**dict(await statistics_store.count(tx)))
