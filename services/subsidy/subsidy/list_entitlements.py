"""Use case: what a run comes to, for whom; people and households by their opaque ids."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import FactName, ProgrammeCode, RunId
from qingdan.money import FenPaid
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import entitlement_store, run_store

EntitlementStatus = Literal["entitled", "excluded", "undetermined"]


class EntitlementView(BaseModel):
    """What a programme comes to for somebody."""

    programme: ProgrammeCode
    beneficiary: UUID
    occurrence: str = Field(description="what it is paid once for: the month, the year, a business, a deceased person")
    kind: Literal["person", "household"]
    payee: UUID | None = Field(description="the person who receives it; null: nobody is known who could")
    division: DivisionCode
    department: str
    amount_fen: FenPaid | None
    status: EntitlementStatus
    excluded_by: ProgrammeCode | None
    missing: list[FactName] | None = Field(description="the unknown facts that the rule reads")

    @property
    def position(self) -> tuple[str, UUID, str]:
        """Its place in the list, where the next page begins."""
        return self.programme, self.beneficiary, self.occurrence


async def list_entitlements(
    pool: Pool,
    actor: Actor,
    run: RunId,
    *,
    programme: ProgrammeCode | None = None,
    status: EntitlementStatus | None = None,
    division: DivisionCode | None = None,
    after: tuple[str, UUID, str] | None = None,
    limit: int,
) -> list[EntitlementView]:
    """At most `limit`, by programme, beneficiary and occurrence. Raises NotFound for a run out of scope."""
    async with transaction(pool, actor) as tx:
        await run_store.find_run(tx, run)
        rows = await entitlement_store.list_entitlements(
            tx, run, programme=programme, status=status, division=division, after=after, limit=limit
        )
    return [EntitlementView(**dict(row)) for row in rows]
