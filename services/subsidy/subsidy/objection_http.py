"""Commands and queries in, about public notices and objections to what they show."""

from typing import cast
from uuid import UUID

from fastapi import APIRouter, Request, Response

from qingdan.divisions import DivisionCode
from qingdan.ids import ObjectionId, OpenCode, ProgrammeCode, RunId
from qingdan.subsidy_events import ObjectionDecided, ObjectionRaised
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.decide_objection import decide_objection
from subsidy.list_objections import ObjectionView, list_objections
from subsidy.notice_rules import ItemNumber
from subsidy.objection_rules import ObjectionState
from subsidy.raise_objection import raise_objection
from subsidy.settings import Settings
from subsidy.show_notice import NoticeItem, show_notice

router = APIRouter(prefix="/v1", tags=["notice"])


class RaiseObjection(CommandModel):
    """The item by its number in the notice, and why: a word, never anything about the person."""

    programme: ProgrammeCode
    item: ItemNumber
    reason: OpenCode


class DecideObjection(CommandModel):
    """Whether the objection stands, and the item is not paid."""

    upheld: bool


@router.get("/runs/{run}/notice", summary="What a frozen run comes to, as the public may see it 公示名单")
async def notice(
    run: RunId,
    query: Query,
    request: Request,
    *,
    programme: ProgrammeCode | None = None,
    division: DivisionCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[NoticeItem]:
    settings = cast(Settings, request.app.state.running.settings)
    items = await show_notice(
        query.pool,
        query.actor,
        run,
        settings.service_key_file,
        programme=programme,
        division=division,
        after=position_in(after, tuple[str, UUID, str]),
        limit=limit,
    )
    return page_of(items, limit)


@router.post(
    "/runs/{run}/objections",
    status_code=201,
    response_model=ObjectionRaised,
    summary="Object to an item of a notice: it alone waits (whoever sees it) 提出异议",
)
async def object_to(run: RunId, body: RaiseObjection, command: CreatingCommand) -> Response:
    return command.answer(
        await raise_objection(command.pool, command.actor, run, body.programme, body.item, body.reason)
    )


@router.get("/objections", summary="Objections to notices (finance, departments) 异议列表")
async def objections(
    query: Query,
    run: RunId | None = None,
    state: ObjectionState | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[ObjectionView]:
    items = await list_objections(
        query.pool, query.actor, run=run, state=state, after=position_in(after, ObjectionId), limit=limit
    )
    return page_of(items, limit)


@router.post(
    "/objections/{objection}/decide",
    response_model=ObjectionDecided,
    summary="Decide on an objection (finance approver, another person) 裁定异议",
)
async def decide(objection: ObjectionId, body: DecideObjection, command: ChangingCommand) -> Response:
    return command.answer(
        await decide_objection(command.pool, command.actor, objection, upheld=body.upheld, expected=command.expected)
    )
