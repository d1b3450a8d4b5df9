"""Commands and queries in: one route, one line to a use case."""

from datetime import date
from typing import cast
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.ids import OpenCode, PaymentId, ProgrammeCode, RunId, Sha256
from qingdan.subsidy_events import Period, RunClosed, RunReturned
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy import (
    account_http,
    adjustment_http,
    bank_file_http,
    budget_http,
    comparison_http,
    hold_http,
    notice_http,
    objection_http,
    payee_http,
    programme_http,
    progress_http,
    statement_http,
    undetermined_http,
    why_http,
)
from subsidy.approve_run import ApprovedRun, approve_run
from subsidy.close_run import close_run
from subsidy.freeze_run import FrozenRun, freeze_run
from subsidy.list_differences import DifferenceView, list_differences
from subsidy.list_entitlements import EntitlementStatus, EntitlementView, list_entitlements
from subsidy.list_oddities import OddityId, OddityView, list_oddities
from subsidy.list_payments import PaymentView, list_payments
from subsidy.list_programmes import ProgrammesView, list_programmes
from subsidy.list_registers import RegistersView, list_registers
from subsidy.list_runs import RunView, list_runs
from subsidy.pay_again import PaidAgain, pay_again
from subsidy.payment_rules import PaymentState
from subsidy.preview_run import PreviewedRun, preview_run
from subsidy.programme_rules import EXAMPLES_MAX, PROGRAMMES_MAX, Example, Programme
from subsidy.publish_programmes import ProgrammesPublished, publish_programmes
from subsidy.reconcile_run import ReconciledRun, reconcile_run
from subsidy.return_run import return_run
from subsidy.run_rules import RunState
from subsidy.settings import Settings
from subsidy.show_run import CountedRun, show_run
from subsidy.show_statistics import Statistics, show_statistics
from subsidy.statement_rules import LINES_PER_CALL_MAX, StatementLine
from subsidy.take_statement import StatementTaken, take_statement
from subsidy.verify_run import RunVerified, verify_run

router = APIRouter(prefix="/v1", tags=["subsidy"])
NOUNS = (
    account_http,
    adjustment_http,
    bank_file_http,
    budget_http,
    comparison_http,
    hold_http,
    notice_http,
    objection_http,
    payee_http,
    programme_http,
    progress_http,
    statement_http,
    undetermined_http,
    why_http,
)
for noun in NOUNS:
    router.routes.extend(noun.router.routes)  # flat: a router within a router costs each request a second look-up


class PublishProgrammes(CommandModel):
    """A whole version of the programmes, with examples that it must hold to."""

    effective_on: date
    programmes: list[Programme] = Field(min_length=1, max_length=PROGRAMMES_MAX)
    examples: list[Example] = Field(default=[], max_length=EXAMPLES_MAX)


class PreviewRun(CommandModel):
    """The county and the month to compute."""

    division: DivisionCode
    period: Period


@router.post(
    "/programme-versions",
    status_code=201,
    response_model=ProgrammesPublished,
    summary="Publish a version of the programmes (operator, finance) 发布补贴项目版本",
)
async def publish(body: PublishProgrammes, command: CreatingCommand) -> Response:
    return command.answer(
        await publish_programmes(
            command.pool,
            command.actor,
            effective_on=body.effective_on,
            programmes=body.programmes,
            examples=body.examples,
        )
    )


@router.get("/programmes", summary="The programmes in force on a day 补贴项目")
async def programmes(query: Query, as_of: date | None = None) -> ProgrammesView:
    return await list_programmes(query.pool, query.actor, as_of)


@router.get("/registers", summary="Which registers are complete, and who owes what 数据到位情况")
async def registers(query: Query, division: DivisionCode | None = None) -> RegistersView:
    return await list_registers(query.pool, query.actor, division)


@router.post(
    "/runs",
    status_code=201,
    response_model=PreviewedRun,
    summary="Compute a month's run, or compute it anew (finance preparer) 试算发放批次",
)
async def preview(body: PreviewRun, command: CreatingCommand) -> Response:
    run = await preview_run(command.pool, command.actor, body.division, body.period)
    return command.answer(run, version=run.version)


@router.get("/runs", summary="Runs 发放批次列表")
async def runs(
    query: Query, state: RunState | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[RunView]:
    items = await list_runs(query.pool, query.actor, state=state, after=position_in(after, RunId), limit=limit)
    return page_of(items, limit)


@router.get("/runs/{run}", summary="A run, with what each programme comes to 发放批次详情")
async def run(run: RunId, query: Query, response: Response) -> CountedRun:
    view = await show_run(query.pool, query.actor, run)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.get("/runs/{run}/entitlements", summary="What a run comes to, for whom 应发明细")
async def entitlements(
    run: RunId,
    query: Query,
    *,
    programme: ProgrammeCode | None = None,
    status: EntitlementStatus | None = None,
    division: DivisionCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[EntitlementView]:
    items = await list_entitlements(
        query.pool,
        query.actor,
        run,
        programme=programme,
        status=status,
        division=division,
        after=position_in(after, tuple[str, UUID, str]),
        limit=limit,
    )
    return page_of(items, limit)


class FreezeRun(CommandModel):
    """Until when the public may look at the run before it is approved: today at the earliest."""

    notice_until: date


class ApproveRun(CommandModel):
    """The hash of exactly what was looked at."""

    frozen_hash: Sha256


class ReturnRun(CommandModel):
    """The hash of exactly what was looked at, and why it is taken back: a word, never anything about people."""

    frozen_hash: Sha256
    reason: OpenCode


class TakeStatement(CommandModel):
    """A part of the bank's statement of the run."""

    lines: list[StatementLine] = Field(max_length=LINES_PER_CALL_MAX)
    anew: bool = Field(default=False, description="begins another statement, which counts instead of what was taken")


@router.post(
    "/runs/{run}/freeze", response_model=FrozenRun, summary="Freeze a run for public notice (finance preparer) 冻结公示"
)
async def freeze(run: RunId, body: FreezeRun, command: ChangingCommand, request: Request) -> Response:
    settings = cast(Settings, request.app.state.running.settings)
    return command.answer(
        await freeze_run(
            command.pool,
            command.actor,
            run,
            body.notice_until,
            third_person_from_fen=settings.third_person_from_fen,
            expected=command.expected,
        )
    )


@router.post(
    "/runs/{run}/approve",
    response_model=ApprovedRun,
    summary="Approve a frozen run (second person, from an amount on also a third) 审批批次",
)
async def approve(run: RunId, body: ApproveRun, command: ChangingCommand) -> Response:
    return command.answer(
        await approve_run(command.pool, command.actor, run, bytes.fromhex(body.frozen_hash), expected=command.expected)
    )


@router.post(
    "/runs/{run}/return",
    response_model=RunReturned,
    summary="Take a frozen run back before it is approved, to be computed anew (finance) 退回或撤回批次",
)
async def take_back(run: RunId, body: ReturnRun, command: ChangingCommand) -> Response:
    seen = bytes.fromhex(body.frozen_hash)
    return command.answer(
        await return_run(command.pool, command.actor, run, seen, body.reason, expected=command.expected)
    )


@router.post(
    "/runs/{run}/pay-again",
    response_model=PaidAgain,
    summary="Pay once more what was rejected or returned (second person) 重新支付退回款项",
)
async def pay_once_more(run: RunId, command: ChangingCommand) -> Response:
    return command.answer(await pay_again(command.pool, command.actor, run, expected=command.expected))


@router.post(
    "/runs/{run}/statement", response_model=StatementTaken, summary="Take the bank's statement (finance) 导入银行对账单"
)
async def statement(run: RunId, body: TakeStatement, command: ChangingCommand) -> Response:
    return command.answer(
        await take_statement(command.pool, command.actor, run, body.lines, anew=body.anew, expected=command.expected)
    )


@router.post(
    "/runs/{run}/reconcile", response_model=ReconciledRun, summary="Compare the statement with our books (finance) 对账"
)
async def reconcile(run: RunId, command: ChangingCommand) -> Response:
    return command.answer(await reconcile_run(command.pool, command.actor, run, expected=command.expected))


@router.post("/runs/{run}/close", response_model=RunClosed, summary="Close a run (finance preparer) 关闭批次")
async def close(run: RunId, command: ChangingCommand) -> Response:
    return command.answer(await close_run(command.pool, command.actor, run, expected=command.expected))


@router.get(
    "/runs/{run}/verification", summary="Compute a frozen run again, and compare (auditor, finance) 重算核验批次"
)
async def verification(run: RunId, query: Query) -> RunVerified:
    return await verify_run(query.pool, query.actor, run)


@router.get("/runs/{run}/differences", summary="Where the statement and our books differ 对账差异")
async def differences(run: RunId, query: Query, after: Cursor = None, limit: PageLimit = 50) -> Page[DifferenceView]:
    items = await list_differences(query.pool, query.actor, run, after=position_in(after, PaymentId), limit=limit)
    return page_of(items, limit)


@router.get("/payments", summary="Payments and what became of them 支付列表")
async def payments(
    query: Query,
    run: RunId | None = None,
    state: PaymentState | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[PaymentView]:
    items = await list_payments(
        query.pool, query.actor, run=run, state=state, after=position_in(after, PaymentId), limit=limit
    )
    return page_of(items, limit)


@router.get("/oddities", summary="What banks said that does not fit 银行异常回执")
async def oddities(query: Query, after: Cursor = None, limit: PageLimit = 50) -> Page[OddityView]:
    items = await list_oddities(query.pool, query.actor, after=position_in(after, OddityId), limit=limit)
    return page_of(items, limit)


@router.get("/statistics", summary="Counts in your scope 统计")
async def statistics(query: Query) -> Statistics:
    return await show_statistics(query.pool, query.actor)
