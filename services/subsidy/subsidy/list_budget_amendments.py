"""Use case: everything that was set of one budget."""

from datetime import date, datetime

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from subsidy import budget_store


class Amendment(BaseModel):
    """What was set once; number 1 is the budget itself."""

    number: int
    amount_fen: int
    funding_source: str
    effective_on: date
    note: str
    set_by: str
    set_at: datetime


class AmendmentsView(BaseModel):
    """A budget; version: how often it was set, which an amendment names."""

    division: DivisionCode
    programme: ProgrammeCode
    year: int
    version: int
    amendments: list[Amendment]


async def list_budget_amendments(
    pool: Pool, actor: Actor, division: DivisionCode, year: int, programme: ProgrammeCode
) -> AmendmentsView:
    """The newest first; none for a programme that has no budget. Raises Forbidden, DivisionUnknown."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, division)
        rows = await budget_store.list_amendments(tx, division_id, year, programme)
    amendments = [Amendment(**dict(row)) for row in rows]
    version = amendments[0].number if amendments else 0
    return AmendmentsView(division=division, programme=programme, year=year, version=version, amendments=amendments)
