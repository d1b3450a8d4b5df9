"""Commands and queries in, about the burden ledger and budgets: one route, one line to a use case."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from qingdan.burden_events import BudgetChanged
from qingdan.divisions import DivisionCode
from runtime.http import CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.change_budget import change_budget
from tasks.export_burden import export_burden
from tasks.list_budgets import BudgetView, list_budgets
from tasks.list_burden_reports import BurdenReportView, ReportPosition, list_burden_reports
from tasks.list_burdened_villages import VillageMonth, list_burdened_villages
from tasks.show_burden import BurdenView, show_burden

CSV = "text/csv"
BudgetNumber = Annotated[int, Field(ge=1, le=2**63 - 1)]

router = APIRouter(prefix="/v1/burden", tags=["tasks"])


class ChangeBudget(CommandModel):
    """How many person-hours each village below a division may be asked for in a month."""

    division: DivisionCode
    from_month: date = Field(ge=date(2000, 1, 1), le=date(2999, 12, 31), description="any day of the month")
    hours_per_village: Annotated[int, Field(ge=0, le=100_000)] | None = Field(description="null: no budget any more")


@router.get("", summary="What villages were asked for, live 减负台账")
async def burden(
    query: Query, division: DivisionCode | None = None, from_month: date | None = None, to_month: date | None = None
) -> BurdenView:
    return await show_burden(query.pool, query.actor, division, from_month, to_month)


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {CSV: {}}}},
    summary="Its lines as a CSV file 导出减负台账",
)
async def exported_burden(
    query: Query, division: DivisionCode | None = None, from_month: date | None = None, to_month: date | None = None
) -> Response:
    return Response(await export_burden(query.pool, query.actor, division, from_month, to_month), media_type=CSV)


@router.get("/villages", summary="A month's hours of each village, beside its budget 各村当月工时")
async def villages(
    query: Query,
    division: DivisionCode | None = None,
    month: date | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[VillageMonth]:
    behind = position_in(after, DivisionCode)
    items = await list_burdened_villages(
        query.pool, query.actor, division=division, month=month, after=behind, limit=limit
    )
    return page_of(items, limit)


@router.get("/reports", summary="The months' reports, newest first 减负月报")
async def reports(
    query: Query, division: DivisionCode | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[BurdenReportView]:
    behind = position_in(after, ReportPosition)
    return page_of(
        await list_burden_reports(query.pool, query.actor, division=division, after=behind, limit=limit), limit
    )


@router.post(
    "/budgets",
    status_code=201,
    response_model=BudgetChanged,
    summary="Set the hours that a village may be asked for in a month 设定工时额度",
)
async def budget(body: ChangeBudget, command: CreatingCommand) -> Response:
    return command.answer(
        await change_budget(command.pool, command.actor, body.division, body.from_month, body.hours_per_village)
    )


@router.get("/budgets", summary="Budgets and their history, newest first 工时额度")
async def budgets(query: Query, after: Cursor = None, limit: PageLimit = 50) -> Page[BudgetView]:
    return page_of(
        await list_budgets(query.pool, query.actor, after=position_in(after, BudgetNumber), limit=limit), limit
    )
