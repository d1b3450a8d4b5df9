"""Somebody who asks /livez all the time, as an orchestrator does."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.broker.stage import Probe

ASK_EVERY_S = 0.1


@asynccontextmanager
async def watched(probe: Probe) -> AsyncIterator[Counter[str]]:
    """Count the answers of /livez by status until the block ends."""
    answers = Counter[str]()

    async def watch() -> None:
        while True:
            answers[(await asyncio.to_thread(probe.process.probe, "/livez"))[:3]] += 1
            await asyncio.sleep(ASK_EVERY_S)

    watcher = asyncio.create_task(watch())
    try:
        yield answers
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
