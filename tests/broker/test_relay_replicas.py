"""Two relays on one outbox, killed again and again in the middle of their work: nothing lost, every key in order."""

import asyncio
import random
import signal
from collections import Counter, defaultdict
from uuid import UUID

from confluent_kafka import Message

from devkit.eventually import eventually
from runtime.failpoints import Failpoint
from tests.broker.stage import Probe, Stage, assert_applied_once_in_order, settle, some_tasks
from tests.broker.writers import recorded_steps, writing

KILLS_MIN = 4
PLACES = [Failpoint.RELAY_AFTER_READ, Failpoint.RELAY_AFTER_SEND, Failpoint.RELAY_AFTER_MARK]


def order_breaks(records: list[Message]) -> int:
    """How often a step was seen for the first time after a later step of its task."""
    latest, breaks = defaultdict[bytes, int](int), 0
    for record in records:
        key, value = record.key(), record.value()
        assert isinstance(key, bytes)
        assert isinstance(value, bytes)
        step = int(value.split(b'"share":"')[1][:36].replace(b"-", b""), 16)
        breaks += step > latest[key] + 1
        latest[key] = max(latest[key], step)
    return breaks


async def dies_and_comes_back(relay: Probe, dice: random.Random, deaths: Counter[str]) -> None:
    """Run until the failpoint kills it, again and again, until cancelled."""
    while True:
        place = dice.choice(PLACES)
        await asyncio.to_thread(
            relay.start, {"PARTS": "relay", "FAILPOINTS": f"{place}=kill@{dice.randint(1, 12)}"}, wait_ready=False
        )
        await eventually(lambda: not relay.process.is_alive(), timeout_s=30.0)
        assert relay.process.wait_ended() == -signal.SIGKILL
        deaths[place] += 1
        await relay.leases_run_out()


async def test_two_relays_under_kills_lose_nothing_and_keep_the_order(stage: Stage) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    dice, deaths, tasks = random.Random(seed), Counter[str](), some_tasks(40)
    first, second, reader = stage.probe("first"), stage.probe("second"), stage.probe("reader", database="reader")
    reader.start({"PARTS": "consume"})

    async with writing(first, tasks) as committed:
        relays = [asyncio.create_task(dies_and_comes_back(relay, dice, deaths)) for relay in (first, second)]
        await eventually(lambda: deaths.total() >= KILLS_MIN, timeout_s=60.0, what=f"{KILLS_MIN} kills")
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)
    assert sum(committed.values()) > 100
    for relay_process in (first, second):
        if relay_process.process.is_alive():
            relay_process.process.kill()
        await relay_process.leases_run_out()
    first.start({"PARTS": "relay"})
    second.start({"PARTS": "relay"})
    owners = "SELECT count(DISTINCT owner) = 2 AND count(owner) = 16 FROM relay_lane"
    await eventually(lambda: first.value(owners), what="the two share the lanes")

    await settle(first, reader, timeout_s=60.0)
    expected = await recorded_steps(first)
    assert all(expected[task] >= count for task, count in committed.items())
    assert order_breaks(stage.broker.read()) == 0
    await assert_applied_once_in_order(reader, expected)


def test_a_break_of_the_order_would_be_seen() -> None:
    assert [order_breaks(_records(steps)) for steps in ([1, 2, 1, 2, 3], [1, 3, 2], [2, 1])] == [0, 1, 1]


def _records(steps: list[int]) -> list[Message]:
    values = [f'{{"share":"{UUID(int=step)}"}}'.encode() for step in steps]
    return [Message(topic="t", key=b"k", value=value) for value in values]
