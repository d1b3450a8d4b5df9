"""Use case: how many signs hung, hang and came down, counted from the rows in the asker's scope."""

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from signage import statistics_store


class Statistics(BaseModel):
    """Counts of one moment; every row is in the asker's scope."""

    signs_before: int = Field(description="found by a census")
    signs_horizontal: int = Field(description="still hanging outside, across the door")
    signs_vertical: int = Field(description="still hanging outside, beside the door")
    signs_hanging: int = Field(description="still hanging, those inside included")
    signs_removed: int
    orders: int
    orders_removed: int = Field(description="carried out, and seen by a visit")
    orders_contested: int = Field(description="a village said no")
    requests_refused: int


async def show_statistics(pool: Pool, actor: Actor, village: DivisionCode | None = None) -> Statistics:
    """Count now, in the whole scope or at one village."""
    async with transaction(pool, actor) as tx:
        return Statistics(**dict(await statistics_store.count(tx, village)))
