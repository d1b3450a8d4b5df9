"""`events`: from the commit in one service to the effect in the other: at full speed, and how late at 300 a second."""

import asyncio
import math
import sys
import time
from pathlib import Path

import asyncpg

from devkit.stack import Stack
from qingdan.envelope import service_source
from runtime import outbox
from runtime.actor import service_actor
from runtime.db import create_pool, transaction
from tests.bench.claimed_events import EVENTS, claims
from tests.bench.outbox_seed import fill
from tests.bench.relay_bench import published, relay_everything
from tests.bench.results import Result, at_least, at_most, write
from tests.bench.surroundings import as_service, seed_divisions, settle

RUNS = 3
STEADY_PER_S = 300
STEADY_S = 12
WARM_S = 2
_POLL_S = 0.02
_LOOK_S = 0.003
_LATE_S = 60.0


def run() -> list[Result]:
    """Events per second through both services beside the relay alone; p99 from commit to effect at 300/s."""
    stack = Stack(["tasks", "inspection"], extra={"tasks": {"PARTS": "http"}, "inspection": {"PARTS": "http"}})
    stack.start()
    try:
        return asyncio.run(_measure(stack))
    finally:
        stack.stop()


async def _measure(stack: Stack) -> list[Result]:
    async with as_service(stack, "tasks") as tasks, as_service(stack, "inspection") as inspection:
        villages = await seed_divisions(tasks)
        await seed_divisions(inspection)
        relays, rates, p99s = [], [], []
        for number in range(RUNS):
            await fill(tasks, claims(villages))
            await settle(stack, "tasks", "outbox")
            relays.append(await relay_everything(stack, tasks, f"relay-alone-{number}"))
            consumer = stack.replica("inspection", f"consume-{number}", extra={"PARTS": "consume"})
            await asyncio.to_thread(consumer.start)
            await _until_handled(inspection, await published(tasks))
            await fill(tasks, claims(villages))
            await settle(stack, "tasks", "outbox")
            rates.append(await _through_both(stack, tasks, inspection, f"relay-{number}"))
            await settle(stack, "tasks", "outbox")
            await settle(stack, "inspection", "share", "inbox", "consumed")
            relay = stack.replica("tasks", f"relay-steady-{number}", extra={"PARTS": "relay"})
            await asyncio.to_thread(relay.start)
            p99s.append(await _steady(stack, inspection, villages))
            for process in (relay, consumer):
                await asyncio.to_thread(process.terminate)
            print(
                f"  events {number + 1}/{RUNS}: {rates[-1]:,.0f}/s,"
                f" relay alone {relays[-1]:,.0f}/s, p99 {p99s[-1]:.0f} ms",
                flush=True,
            )
    best = max(range(RUNS), key=lambda n: rates[n])
    return [
        at_least(
            "events",
            rates[best],
            "events/s",
            floor=8_000,
            reference="the relay alone",
            reference_value=relays[best],
            ratio_floor=0.3,
        ),
        at_most(f"events p99 at {STEADY_PER_S}/s", min(p99s), "ms", ceiling=80),
    ]


async def _handled(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    return int(await connection.fetchval("SELECT coalesce(sum(handled), 0)::bigint FROM consumed"))


async def _until_handled(connection: "asyncpg.Connection[asyncpg.Record]", count: int) -> None:
    while await _handled(connection) < count:
        await asyncio.sleep(_POLL_S)


async def _through_both(
    stack: Stack,
    tasks: "asyncpg.Connection[asyncpg.Record]",
    inspection: "asyncpg.Connection[asyncpg.Record]",
    name: str,
) -> float:
    """100,000 events are committed; the consumer is idle; the relay starts: from its first batch to the last effect."""
    before, handled_before = await published(tasks), await _handled(inspection)
    relay = stack.replica("tasks", name, extra={"PARTS": "relay"})
    await asyncio.to_thread(relay.start, wait_ready=False)
    try:
        while await published(tasks) == before:
            await asyncio.sleep(_POLL_S)
        began, first = time.perf_counter(), await _handled(inspection)
        await _until_handled(inspection, handled_before + EVENTS)
        return (handled_before + EVENTS - first) / (time.perf_counter() - began)
    finally:
        await asyncio.to_thread(relay.terminate)


async def _steady(stack: Stack, inspection: "asyncpg.Connection[asyncpg.Record]", villages: list[str]) -> float:
    """p99 in ms from the commit, in a process that is not the relay's, until another process sees the effect."""
    committed: dict[str, float] = {}
    seen: dict[str, float] = {}
    writing = asyncio.create_task(_write_steadily(stack, villages, committed))
    since = await inspection.fetchval("SELECT clock_timestamp()")
    give_up = time.perf_counter() + STEADY_S + _LATE_S
    while not writing.done() or committed.keys() - seen.keys():
        rows = await inspection.fetch(
            "SELECT event_id, received_at FROM inbox"
            " WHERE received_at > $1::timestamptz - interval '1 s' AND event_id <> ALL($2::text[])",
            since,
            list(seen)[-2 * STEADY_PER_S :],
        )
        now = time.perf_counter()
        for row in rows:
            seen.setdefault(row["event_id"], now)
            since = max(since, row["received_at"])
        if now > give_up:
            raise RuntimeError(f"{len(committed.keys() - seen.keys())} events had no effect after {_LATE_S:g} s")
        await asyncio.sleep(_LOOK_S)
    await writing
    warm = list(committed.items())[STEADY_PER_S * WARM_S :]  # the first connect, and are not what is steady
    late_ms = sorted((seen[event_id] - at) * 1000 for event_id, at in warm)
    return late_ms[math.ceil(len(late_ms) * 0.99) - 1]


async def _write_steadily(stack: Stack, villages: list[str], committed: dict[str, float]) -> None:
    pool = await create_pool(stack.database("tasks").app_url, source=service_source("tasks"))
    actor = service_actor("tasks")
    began = time.perf_counter()
    for number, event in enumerate(claims(villages, STEADY_PER_S * STEADY_S, 500)):
        await asyncio.sleep(max(0.0, began + number / STEADY_PER_S - time.perf_counter()))
        async with transaction(pool, actor) as tx:
            await outbox.append(tx, event)
            event_id = tx.outgoing[-1].id
        committed[event_id] = time.perf_counter()
    await pool.close()


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
