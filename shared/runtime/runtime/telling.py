"""Telling how far something long has come, while its own transaction is still open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Final

import structlog

from runtime.actor import Actor
from runtime.db import Pool, Tx, transaction

EVERY_S: Final = 0.5

_log = structlog.stdlib.get_logger(__name__)

Telling = Callable[[Tx], Awaitable[None]]


@asynccontextmanager
async def told(
    pool: Pool, actor: Actor, tell: Telling, forget: Telling, *, every_s: float = EVERY_S
) -> AsyncIterator[None]:
    """While the block goes on, `tell` is called every `every_s` seconds, in a transaction of its own that others see;
    before it and at its end `forget` is.

    Neither is part of a command: nothing of it is stored under an Idempotency-Key. What cannot be told costs nothing
    but the telling: it is logged, and the block goes on.
    """

    async def tell_on() -> None:
        await _quietly(pool, actor, forget)
        while True:
            await asyncio.sleep(every_s)
            await _quietly(pool, actor, tell)

    loop = asyncio.get_running_loop()
    telling = loop.create_task(tell_on(), context=Context())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait([telling])
        await loop.create_task(_quietly(pool, actor, forget), context=Context())


async def _quietly(pool: Pool, actor: Actor, tell: Telling) -> None:
    try:
        async with transaction(pool, actor) as tx:
            await tell(tx)
    except Exception as error:
        _log.warning("progress_not_told", error=type(error).__name__)
