"""Use case: objections to public notices, and what became of them."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ObjectionId, OpenCode, ProgrammeCode, RunId
from qingdan.money import FenPaid
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import objection_store
from subsidy.objection_rules import ObjectionState


class ObjectionView(BaseModel):
    """An objection to one item; what has not happened is null."""

    objection: ObjectionId
    run: RunId
    programme: ProgrammeCode
    beneficiary: UUID
    occurrence: str
    division: DivisionCode
    department: str
    amount_fen: FenPaid | None = Field(description="null: the run was taken back, and comes to nothing for it now")
    reason: OpenCode
    state: ObjectionState
    raised_by: str
    raised_on: date
    decided_by: str | None
    decided_on: date | None
    version: int

    @property
    def position(self) -> ObjectionId:
        """Its place in the list, where the next page begins."""
        return self.objection


async def list_objections(
    pool: Pool, actor: Actor, *, run: RunId | None, state: ObjectionState | None, after: ObjectionId | None, limit: int
) -> list[ObjectionView]:
    """At most `limit` objections in the actor's scope, by id, after the last one seen.

    Neighbours are not told who objected: raises Forbidden for all but finance, departments and auditors.
    """
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.DEPARTMENT_STAFF, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        rows = await objection_store.list_objections(tx, run=run, state=state, after=after, limit=limit)
    return [ObjectionView(**dict(row)) for row in rows]
