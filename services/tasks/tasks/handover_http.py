"""Commands and queries in, about desks that change hands: one route, one line to a use case."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId
from qingdan.tasks_events import DeskTransferred
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from runtime.several import AT_ONCE_MAX, each_once
from tasks.accept_desk import accept_desk
from tasks.hand_over_desk import DeskHandedOver, hand_over_desk
from tasks.handover_rules import HandOverId, HandOverState
from tasks.list_handovers import HandOverView, list_handovers
from tasks.list_recorded_shares import RecordedShare, list_recorded_shares
from tasks.show_handover import show_handover

router = APIRouter(prefix="/v1", tags=["tasks"])

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class NotedShare(CommandModel):
    """What the next secretary should know of a share."""

    share: ShareId
    note: Note


class HandOverDesk(CommandModel):
    """All that is open is recorded; notes are welcome and never required."""

    notes: Annotated[list[NotedShare], Field(max_length=AT_ONCE_MAX), each_once("share")] = Field([])


@router.post(
    "/desks/{village}/hand-over",
    response_model=DeskHandedOver,
    status_code=201,
    summary="Hand a village's desk over (outgoing cadre, or the township) 移交任务清单",
)
async def hand_over(village: DivisionCode, body: HandOverDesk, command: CreatingCommand) -> Response:
    notes = {noted.share: noted.note for noted in body.notes}
    return command.answer(await hand_over_desk(command.pool, command.actor, village, notes), version=1)


@router.post(
    "/hand-overs/{hand_over}/accept",
    response_model=DeskTransferred,
    summary="Accept a desk (incoming cadre) 接收任务清单",
)
async def accept(hand_over: HandOverId, command: ChangingCommand) -> Response:
    return command.answer(await accept_desk(command.pool, command.actor, hand_over, expected=command.expected))


@router.get("/hand-overs", summary="Desks that were handed over, newest first 移交列表")
async def hand_overs(
    query: Query,
    *,
    state: HandOverState | None = None,
    village: DivisionCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[HandOverView]:
    before = position_in(after, HandOverId)
    items = await list_handovers(query.pool, query.actor, state=state, village=village, before=before, limit=limit)
    return page_of(items, limit)


@router.get("/hand-overs/{hand_over}", summary="A hand-over 移交详情")
async def shown(hand_over: HandOverId, query: Query, response: Response) -> HandOverView:
    view = await show_handover(query.pool, query.actor, hand_over)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.get("/hand-overs/{hand_over}/shares", summary="What lay on the desk at that moment 移交时的任务份额")
async def recorded(
    hand_over: HandOverId, query: Query, after: Cursor = None, limit: PageLimit = 50
) -> Page[RecordedShare]:
    items = await list_recorded_shares(
        query.pool, query.actor, hand_over, after=position_in(after, ShareId), limit=limit
    )
    return page_of(items, limit)
