"""Commands and queries in, about what keeps items from being paid for now."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from qingdan.ids import OpenCode, ProgrammeCode
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.hold_rules import Cause, HoldId, HoldOutcome
from subsidy.lift_hold import lift_hold
from subsidy.list_holds import HoldView, list_holds
from subsidy.suspend_payment import suspend_payment

router = APIRouter(prefix="/v1", tags=["holds"])


class SuspendPayment(CommandModel):
    """What is held, and why: a word, never anything about the person."""

    beneficiary: UUID
    programme: ProgrammeCode | None = None
    occurrence: str | None = Field(default=None, min_length=1, max_length=100)
    reason: OpenCode


class LiftHold(CommandModel):
    """Whether what is held is paid after all, or never."""

    outcome: HoldOutcome


@router.get("/holds", summary="What keeps items from being paid for now 暂停发放列表")
async def holds(
    query: Query,
    *,
    is_open: bool | None = None,
    cause: Cause | None = None,
    keeps_back: bool | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[HoldView]:
    items = await list_holds(
        query.pool,
        query.actor,
        is_open=is_open,
        cause=cause,
        keeps_back=keeps_back,
        after=position_in(after, HoldId),
        limit=limit,
    )
    return page_of(items, limit)


@router.post(
    "/holds", status_code=201, response_model=HoldView, summary="Hold what is not sent yet (finance preparer) 暂停发放"
)
async def suspend(body: SuspendPayment, command: CreatingCommand) -> Response:
    return command.answer(
        await suspend_payment(
            command.pool, command.actor, body.beneficiary, body.programme, body.occurrence, reason=body.reason
        )
    )


@router.post(
    "/holds/{hold}/lift",
    response_model=HoldView,
    summary="Let it be paid after all, or stop it (finance approver, another person) 解除暂停",
)
async def lift(hold: HoldId, body: LiftHold, command: ChangingCommand) -> Response:
    return command.answer(await lift_hold(command.pool, command.actor, hold, body.outcome, expected=command.expected))
