"""SIGTERM drains: what was accepted is finished or kept, streams end, lanes are handed back, the exit code is 0."""

import asyncio
import time
from collections.abc import Callable

from devkit.eventually import eventually
from devkit.kafka import Kafka
from qingdan.topics import TASKS
from tests.broker.broker import record_of
from tests.broker.stage import PARTITIONS, Probe, Stage, assert_applied_once_in_order, settle, some_tasks, step_event
from tests.broker.writers import commanding, recorded_steps

DRAIN_S_MAX = 20.0


async def read_stream(probe: Probe, seen: list[str]) -> bool:
    """Read /v1/invariants/watch to its end; True when it ended as it should."""
    async with probe.client() as client, client.stream("GET", "/v1/invariants/watch") as stream:
        async for line in stream.aiter_lines():
            seen.append(line)
    return True


async def test_sigterm_drains_with_a_stream_open_a_batch_under_way_and_requests_in_flight(stage: Stage) -> None:
    commanded, heard = some_tasks(8), some_tasks(100)
    probe = stage.probe()
    probe.start()
    seen: list[str] = []
    stream = asyncio.create_task(read_stream(probe, seen))
    await eventually(lambda: len(seen) >= 2, what="the stream has begun")

    async with commanding(probe, commanded) as answers:
        await eventually(lambda: answers[201] > 50)
        stage.broker.send(record_of(step_event(task, step)) for step in range(1, 31) for task in heard)
        await eventually(lambda: probe.value("SELECT count(*) > 0 FROM effect"))
        started = time.monotonic()
        await asyncio.to_thread(probe.terminate)
        took_s = time.monotonic() - started
        assert took_s < DRAIN_S_MAX
        assert await stream
        assert await probe.value("SELECT count(owner) = 0 FROM relay_lane")
        assert await probe.value("SELECT count(*) = 0 FROM relay_owner")
        assert stage.broker.members() == 0
        await asyncio.to_thread(probe.start)

    await settle(probe)
    expected = await recorded_steps(probe) | dict.fromkeys(heard, 30)
    await assert_applied_once_in_order(probe, expected)
    assert (await probe.books()).repeated == 0  # nothing was cut off: nobody had to do it again
    assert len(stage.broker.read()) == sum(expected.values())


async def test_sigterm_ends_it_in_time_while_kafka_is_away(
    make_kafka: Callable[[], Kafka], make_stage: Callable[[str], Stage], topic_prefix: str
) -> None:
    kafka, (task,) = make_kafka(), some_tasks(1)
    await kafka.create_topics([TASKS], topic_prefix, partitions=PARTITIONS)
    stage = make_stage(kafka.bootstrap)
    probe = stage.probe()
    probe.start()
    kafka.kill()
    async with probe.client() as client:
        await probe.take_steps(client, task, 3)

    started = time.monotonic()
    await asyncio.to_thread(probe.terminate)
    assert time.monotonic() - started < DRAIN_S_MAX

    kafka.start()
    stage.broker.forget_members()  # it could not say good-bye
    probe.start()
    await settle(probe)
    await assert_applied_once_in_order(probe, {task: 3})
