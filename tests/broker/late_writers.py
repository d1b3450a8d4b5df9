"""Writers whose transactions commit late and out of order: what got its number first is often visible last."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import ShareProgressed
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.outbox import append

WRITERS = 20
LATE_S_MAX = 0.15


def progressed(task: UUID, step: int, village: DivisionCode) -> ShareProgressed:
    """A task's nth step; the number travels as the share's id."""
    return ShareProgressed(
        task=TaskId(task),
        share=ShareId(UUID(int=step)),
        village=village,
        percent=step % 100,
        photo_sha256=(),
        reported_on=business_date(utcnow()),
        origin=Origin(service="tasks", kind="work_meeting", id=UUID(int=1)),
    )


@asynccontextmanager
async def writing_late(pool: Pool, actor: Actor, villages: Sequence[DivisionCode]) -> AsyncIterator[Counter[UUID]]:
    """Twenty at once, each the steps of a task of its own, until the block ends; counts what was committed, by task."""
    committed, over = Counter[UUID](), asyncio.Event()

    async def write(number: int) -> None:
        task, village, luck = uuid4(), villages[number % len(villages)], random.Random(number)
        while not over.is_set():
            async with transaction(pool, actor) as tx:
                await append(tx, progressed(task, committed[task] + 1, village))
                # Written at once, not at the end of the block: the row has its number long before it is visible.
                out = tx.outgoing.pop()
                await tx.execute(
                    "INSERT INTO outbox (lane, id, topic, key, headers, value) VALUES ($1, $2, $3, $4, $5, $6)",
                    *(out.lane, out.id, out.topic, out.key, out.headers, out.value),
                )
                await asyncio.sleep(luck.uniform(0, LATE_S_MAX))
            committed[task] += 1

    writers = [asyncio.create_task(write(number)) for number in range(WRITERS)]
    try:
        yield committed
    finally:
        over.set()
        for writer in writers:
            with suppress(asyncio.CancelledError):
                await writer
