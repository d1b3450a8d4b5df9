"""`relay`: from the outbox to acknowledged in the topic, against the simplest loop that could do it."""

import asyncio
import sys
import time
from pathlib import Path

import asyncpg
import orjson
from confluent_kafka import Producer

from devkit.stack import Stack
from tests.bench.claimed_events import EVENTS, claims
from tests.bench.outbox_seed import fill
from tests.bench.results import Result, at_least, write
from tests.bench.surroundings import as_service, seed_divisions, settle

RUNS = 3
_POLL_S = 0.02

CLAIM = "SELECT lane, seq, topic, key, headers, value FROM outbox ORDER BY lane, seq LIMIT 1000 FOR UPDATE SKIP LOCKED"
DELETE = (
    "DELETE FROM outbox o USING unnest($1::smallint[], $2::bigint[]) AS d(lane, seq)"
    " WHERE o.lane = d.lane AND o.seq = d.seq"
)


def run() -> list[Result]:
    """Events per second; best of three, each beside its reference."""
    stack = Stack(["tasks"], extra={"tasks": {"PARTS": "http"}})
    stack.start()
    try:
        return asyncio.run(_measure(stack))
    finally:
        stack.stop()


async def _measure(stack: Stack) -> list[Result]:
    async with as_service(stack, "tasks") as connection:
        villages = await seed_divisions(connection)
        rates, references = [], []
        for number in range(RUNS):
            await fill(connection, claims(villages))
            await settle(stack, "tasks", "outbox")
            references.append(await asyncio.to_thread(lambda: asyncio.run(simplest_loop(stack))))
            await fill(connection, claims(villages))
            await settle(stack, "tasks", "outbox")
            rates.append(await relay_everything(stack, connection, f"relay-{number}"))
            print(f"  relay {number + 1}/{RUNS}: {rates[-1]:,.0f}/s, simplest loop {references[-1]:,.0f}/s", flush=True)
    best = max(range(RUNS), key=lambda n: rates[n])
    return [
        at_least(
            "relay",
            rates[best],
            "events/s",
            floor=20_000,
            reference="one process that claims 1,000, sends all, deletes in one statement",
            reference_value=references[best],
            ratio_floor=0.4,
        )
    ]


async def relay_everything(stack: Stack, connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> float:
    """Start a relay process and time it from its first acknowledged batch to the last."""
    before = await published(connection)
    process = stack.replica("tasks", name, extra={"PARTS": "relay"})
    await asyncio.to_thread(process.start, wait_ready=False)
    try:
        while (first := await published(connection)) == before:
            await asyncio.sleep(_POLL_S)
        began = time.perf_counter()
        while await published(connection) < before + EVENTS:
            await asyncio.sleep(_POLL_S)
        return (before + EVENTS - first) / (time.perf_counter() - began)
    finally:
        await asyncio.to_thread(process.terminate)


async def published(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Events acknowledged so far, by the service's own count."""
    return int(await connection.fetchval("SELECT sum(published)::bigint FROM relay_lane"))


async def simplest_loop(stack: Stack) -> float:
    """No lanes, no leases, no scope, one process: what any relay could at best be on this machine and this client."""
    url = stack.postgres.url("postgres", stack.postgres.database("tasks").name)
    connection = await asyncpg.connect(url)
    producer = Producer(
        {
            "bootstrap.servers": stack.bootstrap,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 2,
            "log_level": 0,
        }
    )
    began = time.perf_counter()
    done = 0
    while done < EVENTS:
        async with connection.transaction():
            rows = await connection.fetch(CLAIM)
            for row in rows:
                headers = [(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()]
                producer.produce(row["topic"], key=row["key"], value=row["value"], headers=headers)
            producer.flush()
            await connection.execute(DELETE, [row["lane"] for row in rows], [row["seq"] for row in rows])
        done += len(rows)
    seconds = time.perf_counter() - began
    await connection.close()
    return EVENTS / seconds


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
