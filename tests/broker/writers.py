"""Writers that go on while things break: each owns some tasks and knows which of its steps were acknowledged."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import httpx2

from qingdan.ids import TaskId
from runtime.actor import service_actor
from runtime.db import create_pool
from runtime.ids import new_id
from tests.broker.probe.app import take_step
from tests.broker.stage import Probe

WRITERS = 4
BETWEEN_STEPS_S = 0.01  # leaves the two cores to what is being tested


@asynccontextmanager
async def writing(probe: Probe, tasks: Sequence[UUID]) -> AsyncIterator[Counter[UUID]]:
    """Take steps in the probe's database until the block ends; counts the steps that were committed."""
    committed = Counter[UUID]()
    actor = service_actor("probe")
    pool = await create_pool(probe.database.app_url, source="urn:qingdan:service:probe", size_max=WRITERS)

    async def write(own: Sequence[UUID]) -> None:
        while True:
            for task in own:
                await take_step(pool, actor, TaskId(task), 0)
                committed[task] += 1
                await asyncio.sleep(BETWEEN_STEPS_S)

    writers = [asyncio.create_task(write(tasks[number::WRITERS])) for number in range(WRITERS)]
    try:
        yield committed
    finally:
        for writer in writers:
            writer.cancel()
        for writer in writers:
            with suppress(asyncio.CancelledError):
                await writer
        await pool.close()


async def recorded_steps(probe: Probe) -> dict[UUID, int]:
    """How many steps of each task the probe's database holds: a cancelled writer's last COMMIT may have got through."""
    return {row["task"]: row["steps"] for row in await probe.rows("SELECT task, steps FROM journal")}


@asynccontextmanager
async def commanding(probe: Probe, tasks: Sequence[UUID]) -> AsyncIterator[Counter[int]]:
    """Send the command over HTTP until the block ends, repeating what was not answered with its key.

    Counts the answers by status; 0 is an exchange that was cut.
    """
    answers = Counter[int]()

    async def command(client: httpx2.AsyncClient, own: Sequence[UUID]) -> None:
        while True:
            for task in own:
                await _until_done(probe, client, task, answers)
                await asyncio.sleep(BETWEEN_STEPS_S)

    async with probe.client() as client:
        writers = [asyncio.create_task(command(client, tasks[number::WRITERS])) for number in range(WRITERS)]
        try:
            yield answers
        finally:
            for writer in writers:
                writer.cancel()
            for writer in writers:
                with suppress(asyncio.CancelledError):
                    await writer


async def _until_done(probe: Probe, client: httpx2.AsyncClient, task: UUID, answers: Counter[int]) -> None:
    key = str(new_id())
    while True:
        try:
            answer = await probe.take_step(client, task, key=key)
        except httpx2.TransportError:
            answers[0] += 1
            await asyncio.sleep(0.1)
            continue
        answers[answer.status_code] += 1
        if answer.status_code == 201:
            return
        assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.1)
