"""Scenarios that must end well, and must not when a guard is taken away: both are run."""

import asyncio

from devkit.eventually import eventually
from runtime.actor import service_actor
from runtime.db import create_pool, transaction
from runtime.failpoints import Failpoint
from runtime.outbox import append
from tests.broker.broker import record_of
from tests.broker.stage import Stage, assert_applied_once_in_order, settle, some_tasks, step_event

TASKS, STEPS = 6, 5


async def consumer_killed_at(stage: Stage, place: Failpoint, *, fault: str = "") -> None:
    """A consumer dies at `place` with a batch in its hands and is started again: every event has one effect."""
    tasks = some_tasks(TASKS)
    sent = stage.broker.send(record_of(step_event(task, step)) for step in range(1, STEPS + 1) for task in tasks)
    probe = stage.probe(fault=fault)

    probe.start({"PARTS": "consume", "FAILPOINTS": f"{place}=kill"}, wait_ready=False)
    await probe.dies_by_its_failpoint()
    probe.start({"PARTS": "consume"})

    await settle(probe)
    await assert_applied_once_in_order(probe, dict.fromkeys(tasks, STEPS))
    books = await probe.books()
    assert (books.records_in, books.handled) == (sent, sent)
    assert bool(books.repeated) == (place is Failpoint.CONSUMER_AFTER_COMMIT)


async def late_commit(stage: Stage, *, fault: str = "", timeout_s: float = 40.0) -> None:
    """An event that was numbered first commits last, when later numbers are long published."""
    early, late = some_tasks(2)
    probe = stage.probe(fault=fault)
    probe.start()
    pool = await create_pool(probe.database.app_url, source="urn:qingdan:service:probe")
    written, published = asyncio.Event(), asyncio.Event()

    async def slow_writer() -> None:
        async with transaction(pool, service_actor("probe")) as tx:
            await append(tx, step_event(late, 1))
            # The outbox row is written at the end of the block; this one has its number now.
            out = tx.outgoing.pop()
            await tx.execute(
                "INSERT INTO outbox (lane, id, topic, key, headers, value) VALUES ($1, $2, $3, $4, $5, $6)",
                *(out.lane, out.id, out.topic, out.key, out.headers, out.value),
            )
            written.set()
            await published.wait()

    try:
        slow = asyncio.create_task(slow_writer())
        await written.wait()
        async with transaction(pool, service_actor("probe")) as tx:
            await append(tx, step_event(early, 1))
        await eventually(lambda: sum(stage.broker.ends().values()) == 1, what="the greater number is published")
        published.set()
        await slow
    finally:
        await pool.close()
    await settle(probe, timeout_s=timeout_s)
    await assert_applied_once_in_order(probe, {early: 1, late: 1})
