"""Kill -9 at every named place: what was acknowledged is applied once, in order, and nothing stays behind."""

from uuid import UUID

import httpx2
import pytest

from devkit.eventually import eventually
from runtime.failpoints import Failpoint
from runtime.ids import new_id
from tests.broker.broker import record_of
from tests.broker.scenarios import consumer_killed_at
from tests.broker.stage import Stage, assert_applied_once_in_order, settle, some_tasks, step_event

CONSUMER = [place for place in Failpoint if place.startswith("consumer.")]
RELAY = [place for place in Failpoint if place.startswith("relay.")]
TASKS, STEPS = 6, 5


@pytest.mark.parametrize("place", CONSUMER)
async def test_a_consumer_killed_at_this_place_applies_everything_once(stage: Stage, place: Failpoint) -> None:
    await consumer_killed_at(stage, place)


@pytest.mark.parametrize("place", RELAY)
async def test_a_relay_killed_at_this_place_publishes_everything_in_order(stage: Stage, place: Failpoint) -> None:
    tasks = some_tasks(TASKS)
    probe = stage.probe()
    probe.start({"PARTS": "http"})
    async with probe.client() as client:
        for task in tasks:
            await probe.take_steps(client, task, STEPS)
    probe.terminate()
    assert await probe.unpublished() == TASKS * STEPS

    probe.start({"PARTS": "relay", "FAILPOINTS": f"{place}=kill"}, wait_ready=False)
    await probe.dies_by_its_failpoint()
    left = await probe.unpublished()
    assert left < TASKS * STEPS if place is Failpoint.RELAY_AFTER_MARK else left > 0
    probe.start()

    await settle(probe)
    await assert_applied_once_in_order(probe, dict.fromkeys(tasks, STEPS))
    repeated = len(stage.broker.read()) - TASKS * STEPS
    assert repeated > 0 if place is Failpoint.RELAY_AFTER_SEND else repeated >= 0


@pytest.mark.parametrize("place", [Failpoint.API_BEFORE_COMMIT, Failpoint.API_AFTER_COMMIT])
async def test_a_command_cut_off_at_this_place_is_carried_out_once_when_repeated(
    stage: Stage, place: Failpoint
) -> None:
    (task,), key = some_tasks(1), str(new_id())
    probe = stage.probe()
    probe.start({"FAILPOINTS": f"{place}=kill@3"})
    async with probe.client() as client:
        await probe.take_steps(client, task, 2)
        with pytest.raises(httpx2.TransportError):
            await probe.take_step(client, task, key=key)
    await probe.dies_by_its_failpoint()
    committed = place is Failpoint.API_AFTER_COMMIT
    assert await probe.value("SELECT steps FROM journal") == (3 if committed else 2)

    probe.start()
    async with probe.client() as client:
        answer = await probe.take_step(client, task, key=key)
        again = await probe.take_step(client, task, key=key)
    assert answer.status_code == again.status_code == 201
    assert answer.json() == again.json()
    assert UUID(answer.json()["share"]).int == 3
    assert ("idempotency-replayed" in answer.headers) == committed
    assert "idempotency-replayed" in again.headers

    await settle(probe)
    await assert_applied_once_in_order(probe, {task: 3})


async def test_a_release_killed_between_copy_and_mark_applies_once(stage: Stage) -> None:
    (task, other) = some_tasks(2)
    probe = stage.probe()
    await probe.suffers(99, "refusal")
    stage.broker.send(record_of(step_event(task, step, 99 if step == 1 else 0)) for step in range(1, 4))
    probe.start({"PARTS": "consume", "FAILPOINTS": f"{Failpoint.PARKING_BETWEEN_COPY_AND_MARK}=kill@2"})
    await eventually(lambda: probe.value("SELECT count(*) = 3 FROM parked_record"))

    await probe.is_cured()
    await probe.value("UPDATE parked_key SET releasing = true")
    await probe.dies_by_its_failpoint()
    assert await probe.effects() == {task: [1]}
    stage.broker.send([record_of(step_event(other, 1))])
    probe.start()

    await eventually(lambda: probe.value("SELECT count(*) = 0 FROM parked_key"))
    await settle(probe)
    await assert_applied_once_in_order(probe, {task: 3, other: 1})
