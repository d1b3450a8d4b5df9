"""Kafka and PostgreSQL go away and come back: it costs time only, and no service is restarted."""

import asyncio
import time
from collections.abc import Callable

import pytest

from devkit.eventually import eventually
from devkit.kafka import Kafka
from devkit.own_loop import run_in_own_loop
from devkit.postgres import Postgres
from qingdan.topics import TASKS
from runtime.migrate import migrate
from tests.broker.liveness import watched
from tests.broker.probe.app import service
from tests.broker.stage import PARTITIONS, Stage, assert_applied_once_in_order, settle, some_tasks
from tests.broker.writers import commanding, recorded_steps


@pytest.mark.parametrize("away_s", [0, 10])
async def test_a_killed_broker_comes_back(
    make_kafka: Callable[[], Kafka], make_stage: Callable[[str], Stage], topic_prefix: str, away_s: int
) -> None:
    kafka, tasks = make_kafka(), some_tasks(8)
    await kafka.create_topics([TASKS], topic_prefix, partitions=PARTITIONS)
    probe = make_stage(kafka.bootstrap).probe()
    probe.start()
    pid = probe.process.pid

    async with watched(probe) as livez, commanding(probe, tasks) as answers:
        await eventually(lambda: answers[201] > 20)
        await asyncio.to_thread(kafka.kill)
        before, back_at = answers[201], time.monotonic() + away_s
        await eventually(lambda: answers[201] > before + 20, what="commands are accepted without Kafka")
        await eventually(lambda: time.monotonic() > back_at)
        await asyncio.to_thread(kafka.start)
    assert set(answers) == {201}

    await settle(probe, timeout_s=60.0)
    await assert_applied_once_in_order(probe, await recorded_steps(probe))
    assert set(livez) == {"204"}
    assert probe.process.pid == pid


async def test_a_killed_database_comes_back(make_postgres: Callable[[], Postgres], stage: Stage) -> None:
    server, tasks = make_postgres(), some_tasks(8)
    database = await server.provision("probe")
    run_in_own_loop(migrate(database.owner_url, service.all_migrations()))
    probe = stage.probe_on(server, database)
    probe.start()
    pid = probe.process.pid

    async with watched(probe) as livez, commanding(probe, tasks) as answers:
        await eventually(lambda: answers[201] > 20)
        await asyncio.to_thread(server.kill)
        await eventually(lambda: answers[503] > 3, what="commands are refused with a reason")
        await eventually(lambda: probe.process.probe("/readyz").startswith("503"))
        await asyncio.to_thread(server.start)
        before = answers[201]
        await eventually(lambda: answers[201] > before + 20, what="commands are accepted again")
    assert set(answers) == {201, 503}

    await settle(probe, timeout_s=60.0)
    await assert_applied_once_in_order(probe, await recorded_steps(probe))
    await eventually(lambda: probe.process.probe("/readyz") == "204")
    assert set(livez) == {"204"}
    assert probe.process.pid == pid
