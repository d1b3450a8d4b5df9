"""Progress out: a run's, once or as it changes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from qingdan.ids import RunId
from runtime.actor import Actor
from runtime.db import Pool
from runtime.http import Query
from subsidy.progress_rules import Progress
from subsidy.show_progress import show_progress

LOOK_EVERY_S: Final = 1.0
ALIVE_EVERY: Final = 15
"""After so many looks without a change a comment says that the stream is alive: proxies close what is silent."""
LOOKS_MAX: Final = 3_600
"""A stream ends after an hour: whoever still watches asks again, with a token that still holds."""

router = APIRouter(prefix="/v1", tags=["subsidy"])


@router.get("/runs/{run}/progress", summary="How far a run has come, and what it waits for 批次进度")
async def progress(run: RunId, query: Query) -> Progress:
    return await show_progress(query.pool, query.actor, run)


@router.get(
    "/runs/{run}/progress/watch",
    summary="The same as it changes, as server-sent events 持续查看批次进度",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "a stream"}},
)
async def watch(run: RunId, request: Request, query: Query) -> StreamingResponse:
    first = await show_progress(query.pool, query.actor, run)  # what is not there is refused before a stream begins
    draining: asyncio.Event = request.app.state.running.draining
    return StreamingResponse(
        _stream(query.pool, query.actor, first, draining),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(pool: Pool, actor: Actor, first: Progress, draining: asyncio.Event) -> AsyncIterator[str]:
    yield _event(first)
    told, silent = first, 0
    for _ in range(LOOKS_MAX):
        if told.ended or draining.is_set():
            return
        try:
            await asyncio.wait_for(draining.wait(), LOOK_EVERY_S)
            return
        except TimeoutError:
            now = await show_progress(pool, actor, told.run)
        silent = 0 if now != told else silent + 1
        if now != told:
            told = now
            yield _event(now)
        elif silent % ALIVE_EVERY == 0:
            yield ": alive\n\n"


def _event(progress: Progress) -> str:
    return f"event: progress\ndata: {progress.model_dump_json()}\n\n"
