"""Commands and queries in, about what counties may spend on programmes."""

from fastapi import APIRouter, Response

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from runtime.http import ChangingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.budget_rules import Budget, Year
from subsidy.list_budget_amendments import AmendmentsView, list_budget_amendments
from subsidy.list_budgets import BudgetView, list_budgets
from subsidy.set_budget import BudgetSet, set_budget
from subsidy.show_run_budget import RunBudget, show_run_budget

router = APIRouter(prefix="/v1", tags=["budgets"])


@router.put(
    "/budgets/{division}/{year}/{programme}",
    response_model=BudgetSet,
    summary="Set or amend a county's budget of a year (operator, finance; version 0 for a new one) 设定或调整年度预算",
)
async def set_year(
    division: DivisionCode, year: Year, programme: ProgrammeCode, body: Budget, command: ChangingCommand
) -> Response:
    answer = await set_budget(command.pool, command.actor, division, year, programme, body, expected=command.expected)
    return command.answer(answer)


@router.get("/budgets", summary="Budgets, with what is owed, frozen and left 年度预算执行情况")
async def budgets(
    query: Query,
    year: Year | None = None,
    division: DivisionCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[BudgetView]:
    items = await list_budgets(
        query.pool,
        query.actor,
        year=year,
        division=division,
        after=position_in(after, tuple[str, str]),
        limit=limit,
    )
    return page_of(items, limit)


@router.get("/budgets/{division}/{year}/{programme}", summary="Everything that was set of a budget 预算调整记录")
async def amendments(
    division: DivisionCode, year: Year, programme: ProgrammeCode, query: Query, response: Response
) -> AmendmentsView:
    view = await list_budget_amendments(query.pool, query.actor, division, year, programme)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.get("/runs/{run}/budget", summary="What a run takes of the budgets 批次预算占用")
async def run_budget(run: RunId, query: Query) -> RunBudget:
    return await show_run_budget(query.pool, query.actor, run)
