"""Use case: the budgets of hours that bind the asker's villages, with their history."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import budget_store


class BudgetView(BaseModel):
    """One change of a division's budget."""

    seq: int = Field(description="of two for the same month the later one stands")
    division: DivisionCode
    from_month: date
    hours_per_village: int | None = Field(description="null: the division's own was taken back")
    changed_on: date

    @property
    def position(self) -> int:
        """Its place in the list, where the next page begins."""
        return self.seq


async def list_budgets(pool: Pool, actor: Actor, *, after: int | None, limit: int) -> list[BudgetView]:
    """At most `limit` changes, the newest first: those of divisions in scope, and of those above, which bind them."""
    async with transaction(pool, actor) as tx:
        rows = await budget_store.list_budgets(tx, after=after, limit=limit)
    return [BudgetView(**dict(row)) for row in rows]
