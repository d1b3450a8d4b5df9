"""Use case: how many hours each village is asked for in a month, beside its budget."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from tasks import budget_rules, budget_store


class VillageMonth(BaseModel):
    """A village's month; a department sees of it what it asked itself."""

    village: DivisionCode
    name_zh: str
    month: date
    hours: int
    shares: int
    beyond_budget: int = Field(description="shares that took it beyond its budget")
    budget: int | None = Field(description="of the nearest division above that has one; null: none has")

    @property
    def position(self) -> DivisionCode:
        """Its place in the list, where the next page begins."""
        return self.village


async def list_burdened_villages(
    pool: Pool,
    actor: Actor,
    *,
    division: DivisionCode | None,
    month: date | None,
    after: DivisionCode | None,
    limit: int,
) -> list[VillageMonth]:
    """At most `limit` villages below a division, by code, those of which nothing is asked included.

    Raises DivisionUnknown, also for a division outside the actor's scope.
    """
    first = budget_rules.month_of(month or business_date(utcnow()))
    async with transaction(pool, actor) as tx:
        below = await id_in_scope(tx, division or actor.division)
        rows = await budget_store.page_of_months(tx, below, first, after=after, limit=limit)
    return [VillageMonth(**dict(row)) for row in rows]
