"""Progress out: a run's, and that of a preview or freeze under way, once or as it changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.subsidy_events import Period
from runtime.http import Query
from runtime.telling import EVERY_S as TOLD_EVERY_S
from subsidy.computing_rules import Computing, NothingComputed
from subsidy.progress_rules import Progress
from subsidy.show_computing import show_computing
from subsidy.show_progress import show_progress

LOOK_EVERY_S: Final = 1.0
ALIVE_EVERY: Final = 15
"""After so many looks without a change a comment says that the stream is alive: proxies close what is silent."""
LOOKS_MAX: Final = 3_600
"""A stream ends after an hour: whoever still watches asks again, with a token that still holds."""
ALIVE: Final = ": alive\n\n"
STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "a stream"}
}

router = APIRouter(prefix="/v1", tags=["subsidy"])


@router.get("/runs/{run}/progress", summary="How far a run has come, and what it waits for 批次进度")
async def progress(run: RunId, query: Query) -> Progress:
    return await show_progress(query.pool, query.actor, run)


@router.get(
    "/runs/{run}/progress/watch",
    summary="The same as it changes, as server-sent events 持续查看批次进度",
    response_class=StreamingResponse,
    responses=STREAM,
)
async def watch(run: RunId, request: Request, query: Query) -> StreamingResponse:
    first = await show_progress(query.pool, query.actor, run)  # what is not there is refused before a stream begins

    async def look() -> Progress:
        return await show_progress(query.pool, query.actor, run)

    return _streamed(_stream(look, first, request.app.state.running.draining))


@router.get("/computing", summary="What is being computed of a county's month just now 正在进行的试算或冻结")
async def computing(division: DivisionCode, period: Period, query: Query) -> Computing:
    return await show_computing(query.pool, query.actor, division, period)


@router.get(
    "/computing/watch",
    summary="The same as it changes, until it has ended; what has not begun yet is waited for 持续查看计算进度",
    response_class=StreamingResponse,
    responses=STREAM,
)
async def watch_computing(division: DivisionCode, period: Period, request: Request, query: Query) -> StreamingResponse:
    async def look() -> Computing | None:
        with suppress(NothingComputed):
            return await show_computing(query.pool, query.actor, division, period)
        return None

    return _streamed(_until_ended(look, request.app.state.running.draining))


def _streamed(events: AsyncIterator[str]) -> StreamingResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _stream(
    look: Callable[[], Awaitable[Progress]], first: Progress, draining: asyncio.Event
) -> AsyncIterator[str]:
    yield _event(first)
    told, silent = first, 0
    for _ in range(LOOKS_MAX):
        if told.ended or not await _waited(draining, LOOK_EVERY_S):
            return
        now = await look()
        silent = 0 if now != told else silent + 1
        if now != told:
            told = now
            yield _event(now)
        elif silent % ALIVE_EVERY == 0:
            yield ALIVE


async def _until_ended(look: Callable[[], Awaitable[Computing | None]], draining: asyncio.Event) -> AsyncIterator[str]:
    """What is there, as often as it is told; then that it has ended. Who opens the stream before the click waits."""
    seen = False
    for number in range(LOOKS_MAX):
        now = await look()
        if now is not None:
            seen = True
            yield _event(now)
        elif seen:
            yield "event: ended\ndata: {}\n\n"
            return
        elif number % ALIVE_EVERY == 0:
            yield ALIVE
        if (now is not None and now.state == "interrupted") or not await _waited(draining, TOLD_EVERY_S):
            return


async def _waited(draining: asyncio.Event, seconds: float) -> bool:
    """False: the service is about to stop."""
    try:
        await asyncio.wait_for(draining.wait(), seconds)
    except TimeoutError:
        return True
    return False


def _event(progress: Progress | Computing) -> str:
    return f"event: progress\ndata: {progress.model_dump_json()}\n\n"
