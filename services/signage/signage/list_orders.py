"""Use case: the removal orders in the asker's scope, and how far each has come."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import RemovalOrderId, ShareId, SignId, TaskId
from qingdan.tasks_events import RefusalCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from signage import order_store
from signage.order_rules import OrderState


class OrderView(BaseModel):
    """A removal order; what has not happened is null."""

    order: RemovalOrderId
    village: DivisionCode
    sign: SignId
    wording: str
    code: str | None = Field(description="null when no rule knows such a sign")
    department: str
    state: OrderState
    ordered_on: date
    due_on: date
    legal_basis: str
    task: TaskId | None
    share: ShareId | None
    refusal_code: RefusalCode | None = Field(description="why the village said no")
    removed_on: date | None
    version: int

    @property
    def position(self) -> RemovalOrderId:
        """Its place in the list, where the next page begins."""
        return self.order


async def list_orders(
    pool: Pool,
    actor: Actor,
    *,
    village: DivisionCode | None = None,
    state: OrderState | None = None,
    after: RemovalOrderId | None = None,
    limit: int,
) -> list[OrderView]:
    """At most `limit` orders, by id, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await order_store.list_orders(tx, village=village, state=state, after=after, limit=limit)
    return [OrderView(**dict(row)) for row in rows]
