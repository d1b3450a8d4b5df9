"""A rebalance in the middle of a batch: two consumers work on one record, and it is applied once."""

import signal

import pytest

from devkit.eventually import eventually
from tests.broker.broker import record_of
from tests.broker.stage import Probe, Stage, assert_applied_once_in_order, settle, some_tasks, step_event

PAUSED = 50
TASKS, STEPS = 9, 4


async def ends_the_pause(holder: Probe) -> None:
    await holder.is_cured()


async def is_killed(holder: Probe) -> None:
    holder.process.kill()
    assert holder.process.wait_ended() == -signal.SIGKILL
    holder.broker.forget_members()
    await holder.is_cured()


async def is_told_to_stop(holder: Probe) -> None:
    holder.process.run.process(holder.process.name).send(signal.SIGTERM)  # type: ignore[union-attr] # it runs
    await eventually(lambda: not holder.process.is_alive(), timeout_s=20.0, what="it ends in time")
    assert holder.process.wait_ended() == 0
    await holder.is_cured()


@pytest.mark.parametrize("what_happens", [ends_the_pause, is_killed, is_told_to_stop])
async def test_a_second_consumer_joins_in_the_middle_of_a_batch(stage: Stage, what_happens) -> None:  # type: ignore[no-untyped-def]
    tasks = some_tasks(TASKS)
    holder, newcomer = stage.probe("holder"), stage.probe("newcomer")
    await holder.suffers(PAUSED, "pause")
    stage.broker.send(
        record_of(step_event(task, step, PAUSED if step == 2 else 0)) for step in range(1, STEPS + 1) for task in tasks
    )
    holder.start({"PARTS": "consume"})
    await eventually(
        lambda: holder.value("SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'SELECT true FROM fault%'"),
        what="a batch is under way",
    )

    newcomer.start({"PARTS": "consume"})
    await eventually(lambda: stage.broker.members() == 2, what="both are members")
    assert await holder.effects() == {}
    await what_happens(holder)
    stage.broker.send(record_of(step_event(task, STEPS + 1)) for task in tasks)

    await settle(newcomer, timeout_s=60.0)
    await assert_applied_once_in_order(newcomer, dict.fromkeys(tasks, STEPS + 1))
    books = await newcomer.books()
    assert (books.handled, books.parked) == (TASKS * (STEPS + 1), 0)
