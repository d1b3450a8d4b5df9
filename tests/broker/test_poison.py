"""A record that cannot be handled is parked and copied to `.dlt`; its key waits, the others go on."""

import json
import subprocess
import sys

import pytest

from devkit.eventually import eventually
from qingdan.topics import TASKS
from tests.broker.broker import Raw, record_of
from tests.broker.stage import (
    Probe,
    Stage,
    assert_applied_once_in_order,
    settle,
    some_tasks,
    step_event,
)

POISON = 99


def parked_command(probe: Probe, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m probe parked …`, as an operator types it."""
    return subprocess.run(
        [sys.executable, "-m", "probe", "parked", *words],
        env=probe.process.wiring.environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(("kind", "attempts"), [("bug", 4), ("refusal", 1)])
async def test_poison_is_parked_others_go_on_and_its_followers_are_released_in_order(
    stage: Stage, kind: str, attempts: int
) -> None:
    ill, *healthy = some_tasks(4)
    probe = stage.probe()
    await probe.suffers(POISON, kind)
    probe.start()
    stage.broker.send(
        record_of(step_event(task, step, POISON if (task, step) == (ill, 2) else 0))
        for step in range(1, 4)
        for task in (ill, *healthy)
    )

    await settle(probe)
    assert await probe.effects() == {ill: [1]} | {task: [1, 2, 3] for task in healthy}
    culprit, follower = await probe.parked()
    assert (culprit["culprit"], culprit["attempts"]) == (True, attempts)
    assert culprit["reason"] == ("LookupError" if kind == "bug" else "Unbearable")
    assert follower["culprit"] is False
    (copy,) = stage.broker.read(TASKS.dlt)
    assert copy.key() == str(ill).encode()
    assert ("qingdan-parked-reason", culprit["reason"].encode()) in (copy.headers() or [])

    stage.broker.send([record_of(step_event(ill, 4)), record_of(step_event(healthy[0], 4))])  # it still waits
    await settle(probe)
    assert (await probe.effects())[ill] == [1]
    assert (await probe.effects())[healthy[0]] == [1, 2, 3, 4]

    listed = [json.loads(line) for line in parked_command(probe, "list").stdout.splitlines()]
    assert [(row["culprit"], row["key"]) for row in listed] == [(n == 0, str(ill)) for n in range(3)]
    await probe.is_cured()
    assert parked_command(probe, "retry", str(culprit["id"])).returncode == 0
    await eventually(lambda: probe.value("SELECT count(*) = 0 FROM parked_key"))
    await assert_applied_once_in_order(probe, {ill: 4, healthy[0]: 4, healthy[1]: 3, healthy[2]: 3})
    books = await probe.books()
    assert (books.handled, books.parked, books.skipped) == (11, 3, 0)


async def test_what_is_retried_too_early_stays_parked(stage: Stage) -> None:
    (ill,) = some_tasks(1)
    probe = stage.probe()
    await probe.suffers(POISON, "refusal")
    probe.start()
    stage.broker.send([record_of(step_event(ill, 1, POISON)), record_of(step_event(ill, 2))])
    await eventually(lambda: probe.value("SELECT count(*) = 2 FROM parked_record"))
    (culprit, _) = await probe.parked()

    assert parked_command(probe, "retry", str(culprit["id"])).returncode == 0
    await eventually(lambda: probe.value("SELECT attempts = 2 FROM parked_record WHERE culprit"))
    assert [row["releasing"] for row in await probe.parked()] == [False, False]
    assert await probe.effects() == {}


async def test_dropping_the_culprit_releases_its_followers(stage: Stage) -> None:
    (ill,) = some_tasks(1)
    probe = stage.probe()
    await probe.suffers(POISON, "refusal")
    probe.start()
    stage.broker.send([record_of(step_event(ill, step, POISON if step == 1 else 0)) for step in range(1, 4)])
    await eventually(lambda: probe.value("SELECT count(*) = 3 FROM parked_record"))
    (culprit, *_) = await probe.parked()

    dropped = parked_command(probe, "drop", str(culprit["id"]))
    assert dropped.returncode == 0, dropped.stderr
    await eventually(lambda: probe.value("SELECT count(*) = 0 FROM parked_key"))
    assert await probe.effects() == {ill: [2, 3]}
    assert await probe.value("SELECT count(*) FROM audit_entry WHERE action = 'parked.dropped'") == 1
    unknown = parked_command(probe, "drop", str(culprit["id"]))
    assert (unknown.returncode, "nothing is parked under" in unknown.stderr) == (1, True)


async def test_a_good_record_behind_a_malformed_one_of_its_key_waits_even_in_one_batch(stage: Stage) -> None:
    ill, healthy = some_tasks(2)
    first, second = record_of(step_event(ill, 1)), record_of(step_event(ill, 2))
    stage.broker.send([Raw(first.key, b"{", first.headers), second, record_of(step_event(healthy, 1))])
    probe = stage.probe()
    probe.start()

    await settle(probe)
    assert await probe.effects() == {healthy: [1]}
    assert [(row["culprit"], row["reason"]) for row in await probe.parked()] == [
        (True, "invalid_data"),
        (False, "follows a parked record"),
    ]


async def test_what_was_handled_before_a_death_is_not_parked_behind_a_later_culprit(stage: Stage) -> None:
    """Redelivered, the first step meets a key that is parked by now: it has had its effect and must not wait there."""
    (ill,) = some_tasks(1)
    stage.broker.send(record_of(step_event(ill, step, POISON if step == 2 else 0)) for step in range(1, 4))
    probe = stage.probe()
    await probe.suffers(POISON, "refusal")
    # Passes of this place: the batch and the culprit fail before it; the first and the last step commit.
    probe.start({"PARTS": "consume", "FAILPOINTS": "consumer.after-commit=kill@2"}, wait_ready=False)
    await probe.dies_by_its_failpoint()
    probe.start()

    await settle(probe)
    assert [row["culprit"] for row in await probe.parked()] == [True, False]
    books = await probe.books()
    assert (books.records_in, books.handled, books.parked) == (3, 1, 2)
    (culprit, _) = await probe.parked()
    assert parked_command(probe, "drop", str(culprit["id"])).returncode == 0
    await eventually(lambda: probe.value("SELECT count(*) = 0 FROM parked_key"))
    assert await probe.effects() == {ill: [1, 3]}
