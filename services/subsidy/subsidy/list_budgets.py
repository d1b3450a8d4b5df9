"""Use case: the budgets in the asker's scope, with what is spent of them."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, ProgrammeCode
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from subsidy import budget_store


class BudgetView(BaseModel):
    """A budget in force today, in fen."""

    division: DivisionCode
    programme: ProgrammeCode
    department: DepartmentCode
    year: int
    budget_fen: int
    funding_source: str
    effective_on: date
    note: str
    number: int = Field(description="which amendment it is, the first is 1")
    obliged_fen: int = Field(description="owed already, by the year's runs")
    frozen_fen: int = Field(description="in frozen runs of the year that are not owed yet")
    left_fen: int = Field(description="below nothing: the budget is exceeded")

    @property
    def position(self) -> tuple[str, str]:
        """Its place in the list, where the next page begins."""
        return self.division, self.programme


async def list_budgets(
    pool: Pool,
    actor: Actor,
    *,
    year: int | None,
    division: DivisionCode | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[BudgetView]:
    """At most `limit`, by county and programme, after the last one seen; of this year unless one is named.

    Raises Forbidden, DivisionUnknown.
    """
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    today = business_date(utcnow())
    asked = year or today.year
    async with transaction(pool, actor) as tx:
        division_id = None if division is None else await id_in_scope(tx, division)
        rows = await budget_store.list_budgets(tx, asked, today, division_id=division_id, after=after, limit=limit)
    return [
        BudgetView(
            **{name: row[name] for name in row.keys() if name != "wanted_fen"},  # noqa: SIM118  # a Record is no mapping
            year=asked,
            left_fen=row["budget_fen"] - row["obliged_fen"] - row["frozen_fen"],
        )
        for row in rows
    ]
