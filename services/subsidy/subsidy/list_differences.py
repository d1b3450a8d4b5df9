"""Use case: where the bank's statement of a run and our books differ, as the last reconciliation found it."""

from pydantic import BaseModel, Field

from qingdan.ids import PaymentId, RunId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import run_store, statement_store
from subsidy.payment_rules import PaymentState
from subsidy.statement_rules import DifferenceKind


class DifferenceView(BaseModel):
    """One payment on which the two do not agree."""

    payment: PaymentId
    kind: DifferenceKind
    our_state: PaymentState | None = Field(description="null: we sent no such payment in this run")
    our_fen: int | None
    bank_status: str | None = Field(description="null: the statement does not list it")
    bank_fen: int | None

    @property
    def position(self) -> PaymentId:
        """Its place in the list, where the next page begins."""
        return self.payment


async def list_differences(
    pool: Pool, actor: Actor, run: RunId, *, after: PaymentId | None, limit: int
) -> list[DifferenceView]:
    """At most `limit`, by payment, after the last one seen. Raises NotFound for a run out of scope."""
    async with transaction(pool, actor) as tx:
        await run_store.find_run(tx, run)
        rows = await statement_store.list_differences(tx, run, after=after, limit=limit)
    return [DifferenceView(**dict(row)) for row in rows]
