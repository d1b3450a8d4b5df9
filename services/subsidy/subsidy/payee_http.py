"""Commands and queries in, about who receives an item instead of a payee who cannot any more."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from qingdan.ids import OpenCode, ProgrammeCode, RunId
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.decide_payee import decide_payee
from subsidy.list_payee_changes import PayeeChangeView, list_payee_changes
from subsidy.payee_rules import PayeeChangeId, PayeeChangeState
from subsidy.propose_payee import propose_payee

router = APIRouter(prefix="/v1", tags=["payees"])


class ProposePayee(CommandModel):
    """The item, who is to receive it, and why: a word, never anything about the person."""

    beneficiary: UUID
    programme: ProgrammeCode
    occurrence: str = Field(min_length=1, max_length=100)
    payee: UUID
    reason: OpenCode


class DecidePayee(CommandModel):
    """Whether the item is received by the new payee."""

    confirmed: bool


@router.get("/payee-changes", summary="Who receives an item instead of another, and why 领取人变更列表")
async def payee_changes(
    query: Query,
    *,
    state: PayeeChangeState | None = None,
    run: RunId | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[PayeeChangeView]:
    items = await list_payee_changes(
        query.pool, query.actor, state=state, run=run, after=position_in(after, PayeeChangeId), limit=limit
    )
    return page_of(items, limit)


@router.post(
    "/payee-changes",
    status_code=201,
    response_model=PayeeChangeView,
    summary="Propose another payee where the old one died or moved (finance preparer) 提出变更领取人",
)
async def propose(body: ProposePayee, command: CreatingCommand) -> Response:
    return command.answer(
        await propose_payee(
            command.pool,
            command.actor,
            body.beneficiary,
            body.programme,
            body.occurrence,
            body.payee,
            reason=body.reason,
        )
    )


@router.post(
    "/payee-changes/{change}/decide",
    response_model=PayeeChangeView,
    summary="Confirm or refuse another payee (finance approver, another person) 确认变更领取人",
)
async def decide(change: PayeeChangeId, body: DecidePayee, command: ChangingCommand) -> Response:
    return command.answer(
        await decide_payee(command.pool, command.actor, change, confirmed=body.confirmed, expected=command.expected)
    )
