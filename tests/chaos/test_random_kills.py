"""Writer and reader are killed at random while commands go on: what was answered is applied once, in order."""

import asyncio
import random
import signal
import time
from collections import Counter

from devkit.eventually import eventually
from tests.broker.stage import Probe, Stage, assert_applied_once_in_order, settle, some_tasks
from tests.broker.writers import WRITERS, commanding, recorded_steps

BOUND_S = 20.0
DEATHS_MIN = 2  # of each; on a busy machine a restart takes seconds


async def effects_of(probe: Probe) -> int:
    count: int = await probe.value("SELECT count(*) FROM effect")
    return count


async def kill_in_the_middle(probe: Probe, parts: str) -> None:
    """SIGKILL, see that it died of it, and start it again as an orchestrator would."""
    await asyncio.to_thread(probe.process.kill)
    assert probe.process.wait_ended() == -signal.SIGKILL
    await probe.leases_run_out()
    if "consume" in parts:
        await asyncio.to_thread(probe.broker.forget_members)
    await asyncio.to_thread(probe.start, {"PARTS": parts})


async def test_random_kills_lose_nothing_and_double_nothing(stage: Stage) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    dice, deaths, tasks = random.Random(seed), Counter[str](), some_tasks(20)
    writer, reader = stage.probe("writer"), stage.probe("reader", database="reader")
    writer.start({"PARTS": "http,relay"})
    reader.start({"PARTS": "consume"})

    async with commanding(writer, tasks) as answers:
        until = time.monotonic() + BOUND_S
        while time.monotonic() < until or min(deaths["writer"], deaths["reader"]) < DEATHS_MIN:
            victim = "writer" if deaths["writer"] <= deaths["reader"] else "reader"
            if victim == "writer":
                enough = answers[201] + dice.randint(1, 40)
                await eventually(lambda enough=enough: answers[201] >= enough, every_s=0.005)  # type: ignore[misc]
                await kill_in_the_middle(writer, "http,relay")
            else:
                seen = await effects_of(reader) + dice.randint(1, 40)
                await eventually(lambda seen=seen: _has(reader, seen), every_s=0.005)  # type: ignore[misc]
                await kill_in_the_middle(reader, "consume")
            deaths[victim] += 1
    print(f"deaths {dict(deaths)}, answers {dict(answers)}")
    assert set(answers) <= {0, 201, 503}
    assert answers[0] > 0  # the kills cut exchanges off

    await settle(writer, reader, timeout_s=40.0)  # from here on what is missing is lost, not late
    expected = await recorded_steps(writer)
    assert answers[201] <= sum(expected.values()) <= answers[201] + WRITERS
    await assert_applied_once_in_order(reader, expected)
    books = await reader.books()
    assert (books.handled, books.skipped, books.parked) == (sum(expected.values()), 0, 0)


async def _has(reader: Probe, count: int) -> bool:
    return await effects_of(reader) >= count
