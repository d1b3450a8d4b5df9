"""Commands and queries in, about banks' daily statements and how they differ from our books."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from fastapi import Query as InQuery
from pydantic import Field, StringConstraints

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.compare_statement import compare_statement
from subsidy.confirm_difference import confirm_difference
from subsidy.daily_rules import NOTE_MAX, DailyStatementId, DifferenceState, Explanation
from subsidy.explain_difference import explain_difference
from subsidy.list_daily_differences import DailyDifferenceView, DifferenceId, list_daily_differences
from subsidy.list_daily_statements import DailyStatementView, list_daily_statements
from subsidy.take_daily_statement import take_daily_statement

XML: Final = "application/xml"

router = APIRouter(prefix="/v1", tags=["statements"])


class ExplainDifference(CommandModel):
    """Why the two differ: a code, and a note for whoever looks at it second."""

    explanation: Explanation
    note: Annotated[str, StringConstraints(min_length=1, max_length=NOTE_MAX, strip_whitespace=True)]


class ConfirmDifference(CommandModel):
    """Whether the explanation holds; if not, the difference is open again."""

    agrees: bool = Field(description="false sends it back")


@router.post(
    "/statements",
    status_code=201,
    response_model=DailyStatementView,
    openapi_extra={"requestBody": {"required": True, "content": {XML: {"schema": {"type": "string"}}}}},
    summary="Take a bank's statement of a day, camt.053.001.08 (finance preparer) 导入银行日对账单",
)
async def take(request: Request, command: CreatingCommand, division: DivisionCode, bank: BankCode) -> Response:
    body = await request.body()
    return command.answer(await take_daily_statement(command.pool, command.actor, division, bank, body))


@router.get("/statements", summary="Banks' statements day by day, with their differences counted 日对账单列表")
async def statements(
    query: Query,
    bank: BankCode | None = None,
    on: Annotated[date | None, InQuery(description="the day of the statement")] = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[DailyStatementView]:
    position = position_in(after, DailyStatementId)
    items = await list_daily_statements(query.pool, query.actor, bank=bank, on=on, after=position, limit=limit)
    return page_of(items, limit)


@router.post(
    "/statements/{statement}/compare",
    response_model=DailyStatementView,
    summary="Compare a day's statement with our books once more (finance preparer) 重新核对日对账单",
)
async def compare(statement: DailyStatementId, command: CreatingCommand) -> Response:
    return command.answer(await compare_statement(command.pool, command.actor, statement))


@router.get("/statements/{statement}/differences", summary="Where a day's statement and our books differ 日对账差异")
async def differences(
    statement: DailyStatementId,
    query: Query,
    state: DifferenceState | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[DailyDifferenceView]:
    position = position_in(after, DifferenceId)
    items = await list_daily_differences(query.pool, query.actor, statement, state=state, after=position, limit=limit)
    return page_of(items, limit)


@router.post(
    "/statement-differences/{difference}/explain",
    response_model=DailyDifferenceView,
    summary="Explain a difference (finance preparer) 说明差异原因",
)
async def explain(difference: DifferenceId, body: ExplainDifference, command: ChangingCommand) -> Response:
    return command.answer(
        await explain_difference(
            command.pool, command.actor, difference, body.explanation, body.note, expected=command.expected
        )
    )


@router.post(
    "/statement-differences/{difference}/confirm",
    response_model=DailyDifferenceView,
    summary="Confirm an explanation, or send it back (second person) 复核差异说明",
)
async def confirm(difference: DifferenceId, body: ConfirmDifference, command: ChangingCommand) -> Response:
    return command.answer(
        await confirm_difference(command.pool, command.actor, difference, agrees=body.agrees, expected=command.expected)
    )
