"""Use case: what a run takes of its county's budgets, and which programmes go beyond theirs."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.ids import DepartmentCode, ProgrammeCode, RunId
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from subsidy import budget_rules, budget_store, run_store


class ProgrammeBudget(BaseModel):
    """Of one programme that has a budget, in fen."""

    programme: ProgrammeCode
    department: DepartmentCode
    budget_fen: int
    funding_source: str
    obliged_fen: int = Field(description="owed already, by other runs of the year")
    frozen_fen: int = Field(description="in other frozen runs of the year that are not owed yet")
    wanted_fen: int = Field(description="what this run comes to")
    left_fen: int = Field(description="when this run is taken off; below nothing: it goes beyond the budget")


class RunBudget(BaseModel):
    """A run against the budgets in force today."""

    run: RunId
    year: int
    as_of: date
    programmes: list[ProgrammeBudget] = Field(description="by code; one without a budget is not limited")
    beyond: list[ProgrammeCode] = Field(description="those that go beyond their budget by this run")


async def show_run_budget(pool: Pool, actor: Actor, run: RunId) -> RunBudget:
    """Raises Forbidden, NotFound."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.OPERATOR, Role.AUDITOR)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        period: str = (await run_store.find_run(tx, run))["period"]
        found = await budget_store.standing_of(tx, run, period=period, on=today)
    return RunBudget(
        run=run,
        year=int(period[:4]),
        as_of=today,
        programmes=[
            ProgrammeBudget(
                programme=each.programme,
                department=each.department,
                budget_fen=each.budget_fen,
                funding_source=each.funding_source,
                obliged_fen=each.obliged_fen,
                frozen_fen=each.frozen_fen,
                wanted_fen=each.wanted_fen,
                left_fen=each.left_fen,
            )
            for each in found
        ],
        beyond=[each.programme for each in budget_rules.beyond(found)],
    )
