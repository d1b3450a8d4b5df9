"""Commands and queries in, about months that were paid and are computed again, and what is asked back of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AdjustmentId, ProgrammeCode, RunId, Sha256
from qingdan.money import FenPaid
from qingdan.subsidy_events import Period, PeriodAdjusted
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.adjustment_rules import ONLY_MAX, AdjustmentReason, AdjustmentState
from subsidy.decide_adjustment import decide_adjustment
from subsidy.drop_adjustment import drop_adjustment
from subsidy.list_adjustment_items import AdjustmentItemView, list_adjustment_items
from subsidy.list_adjustments import AdjustmentView, list_adjustments
from subsidy.list_recoveries import RecoveryView, list_recoveries
from subsidy.propose_adjustment import propose_adjustment
from subsidy.record_repayment import record_repayment
from subsidy.recovery_rules import Receipt, RecoveryId, RecoveryState, WaiverReason
from subsidy.show_adjustment import CountedAdjustment, show_adjustment
from subsidy.waive_recovery import waive_recovery

router = APIRouter(prefix="/v1", tags=["adjustments"])


class ProposeAdjustment(CommandModel):
    """The county and the month to compute again; for some beneficiaries only, or for everybody."""

    division: DivisionCode
    period: Period
    only: Annotated[list[UUID], Field(min_length=1, max_length=ONLY_MAX), AfterValidator(sorted)] | None = None


class DecideAdjustment(CommandModel):
    """The hash of exactly what was looked at."""

    items_hash: Sha256


class RecordRepayment(CommandModel):
    """How much came back, and the number of its receipt."""

    amount_fen: FenPaid
    reference: Receipt


class WaiveRecovery(CommandModel):
    """Why nobody asks for it any more."""

    reason: WaiverReason


@router.post(
    "/adjustments",
    status_code=201,
    response_model=AdjustmentView,
    summary="Compute a paid month again, with what is known today (finance preparer) 重新计算已发放月份",
)
async def propose(body: ProposeAdjustment, command: CreatingCommand) -> Response:
    adjustment = await propose_adjustment(command.pool, command.actor, body.division, body.period, body.only)
    return command.answer(adjustment, version=adjustment.version)


@router.get("/adjustments", summary="Adjustments of paid months 调整列表")
async def adjustments(
    query: Query,
    state: AdjustmentState | None = None,
    run: RunId | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[AdjustmentView]:
    items = await list_adjustments(
        query.pool, query.actor, state=state, run=run, after=position_in(after, AdjustmentId), limit=limit
    )
    return page_of(items, limit)


@router.get("/adjustments/{adjustment}", summary="An adjustment, with what each programme comes to 调整详情")
async def adjustment(adjustment: AdjustmentId, query: Query, response: Response) -> CountedAdjustment:
    view = await show_adjustment(query.pool, query.actor, adjustment)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.get("/adjustments/{adjustment}/items", summary="Where what is due differs from what was owed 调整明细")
async def items(
    adjustment: AdjustmentId,
    query: Query,
    *,
    programme: ProgrammeCode | None = None,
    reason: AdjustmentReason | None = None,
    division: DivisionCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[AdjustmentItemView]:
    found = await list_adjustment_items(
        query.pool,
        query.actor,
        adjustment,
        programme=programme,
        reason=reason,
        division=division,
        after=position_in(after, tuple[str, UUID, str]),
        limit=limit,
    )
    return page_of(found, limit)


@router.post(
    "/adjustments/{adjustment}/decide",
    response_model=PeriodAdjusted,
    summary="Decide on an adjustment: pay arrears, ask back (second person) 决定调整",
)
async def decide(adjustment: AdjustmentId, body: DecideAdjustment, command: ChangingCommand) -> Response:
    seen = bytes.fromhex(body.items_hash)
    return command.answer(
        await decide_adjustment(command.pool, command.actor, adjustment, seen, expected=command.expected)
    )


@router.post(
    "/adjustments/{adjustment}/drop", response_model=AdjustmentView, summary="Drop an adjustment (finance) 撤销调整"
)
async def drop(adjustment: AdjustmentId, command: ChangingCommand) -> Response:
    return command.answer(await drop_adjustment(command.pool, command.actor, adjustment, expected=command.expected))


@router.get("/recoveries", summary="What people owe back (finance) 追缴列表")
async def recoveries(
    query: Query,
    state: RecoveryState | None = None,
    adjustment: AdjustmentId | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[RecoveryView]:
    found = await list_recoveries(
        query.pool,
        query.actor,
        state=state,
        adjustment=adjustment,
        after=position_in(after, RecoveryId),
        limit=limit,
    )
    return page_of(found, limit)


@router.post(
    "/recoveries/{recovery}/repaid",
    response_model=RecoveryView,
    summary="Enter that a part of it, or all, was repaid (finance preparer) 登记归还款项",
)
async def repaid(recovery: RecoveryId, body: RecordRepayment, command: ChangingCommand) -> Response:
    return command.answer(
        await record_repayment(
            command.pool, command.actor, recovery, body.amount_fen, body.reference, expected=command.expected
        )
    )


@router.post(
    "/recoveries/{recovery}/waive",
    response_model=RecoveryView,
    summary="Ask for what is left no more (second person) 豁免追缴",
)
async def waive(recovery: RecoveryId, body: WaiveRecovery, command: ChangingCommand) -> Response:
    return command.answer(
        await waive_recovery(command.pool, command.actor, recovery, body.reason, expected=command.expected)
    )
