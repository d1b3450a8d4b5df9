"""Commands and queries in, about today's desk: one route, one line to a use case."""

from fastapi import APIRouter, Response

from runtime.http import CreatingCommand, Open, Query
from tasks.close_feed import FeedClosed, close_feed
from tasks.open_feed import FeedOpened, open_feed
from tasks.read_feed import MEDIA_TYPE, read_feed
from tasks.show_today import Today, show_today

router = APIRouter(prefix="/v1", tags=["tasks"])


@router.get("/today", summary="What lies on the desk today 今日清单")
async def today(query: Query) -> Today:
    return await show_today(query.pool, query.actor)


@router.post(
    "/calendar-feeds",
    status_code=201,
    response_model=FeedOpened,
    summary="An address for a phone's calendar, in place of any earlier one 订阅日历",
)
async def subscribe(command: CreatingCommand) -> Response:
    return command.answer(await open_feed(command.pool, command.actor))


@router.post("/calendar-feeds/close", response_model=FeedClosed, summary="Close one's calendar address 取消日历订阅")
async def unsubscribe(command: CreatingCommand) -> Response:
    return command.answer(await close_feed(command.pool, command.actor))


@router.get(
    "/calendar-feeds/{secret}.ics",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}}},
    summary="Due dates for a calendar (RFC 5545); whoever has the address may read it 日历",
)
async def feed(secret: str, opened: Open) -> Response:
    return Response(await read_feed(opened.pool, opened.actor, secret), media_type=MEDIA_TYPE)
