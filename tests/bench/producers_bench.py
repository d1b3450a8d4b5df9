"""`producers`: the simplest relay loop over each Kafka client; what docs/decisions/0002-outbox-relay.md rests on."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer

from devkit.stack import Stack
from tests.bench.claimed_events import EVENTS, claims
from tests.bench.outbox_seed import fill
from tests.bench.relay_bench import CLAIM, DELETE, simplest_loop
from tests.bench.results import Result, at_least, write
from tests.bench.surroundings import as_service, seed_divisions, settle

RUNS = 3


def run() -> list[Result]:
    """Events per second with confluent-kafka beside aiokafka; best of three each."""
    stack = Stack(["tasks"], extra={"tasks": {"PARTS": "http"}})
    stack.start()
    try:
        return asyncio.run(_measure(stack))
    finally:
        stack.stop()


async def _measure(stack: Stack) -> list[Result]:
    confluent, aiokafka = [], []
    async with as_service(stack, "tasks") as connection:
        villages = await seed_divisions(connection)
        for number in range(RUNS):
            for rates, loop in ((confluent, simplest_loop), (aiokafka, _loop_of_aiokafka)):
                await fill(connection, claims(villages))
                await settle(stack, "tasks", "outbox")
                rates.append(await asyncio.to_thread(lambda loop=loop: asyncio.run(loop(stack))))
            print(f"  producers {number + 1}/{RUNS}: {confluent[-1]:,.0f}/s and {aiokafka[-1]:,.0f}/s", flush=True)
    return [
        at_least(
            "producers",
            max(confluent),
            "events/s",
            floor=20_000,
            reference="the same loop over aiokafka",
            reference_value=max(aiokafka),
            ratio_floor=1.0,
        )
    ]


async def _loop_of_aiokafka(stack: Stack) -> float:
    connection = await asyncpg.connect(stack.postgres.url("postgres", stack.postgres.database("tasks").name))
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.bootstrap, enable_idempotence=True, acks="all", linger_ms=2, max_batch_size=131_072
    )
    await producer.start()
    began = time.perf_counter()
    done = 0
    while done < EVENTS:
        async with connection.transaction():
            rows: list[Any] = await connection.fetch(CLAIM)
            sent = [
                await producer.send(
                    row["topic"],
                    key=row["key"].encode(),
                    value=row["value"],
                    headers=[(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()],
                )
                for row in rows
            ]
            await asyncio.gather(*sent)
            await connection.execute(DELETE, [row["lane"] for row in rows], [row["seq"] for row in rows])
        done += len(rows)
    seconds = time.perf_counter() - began
    await producer.stop()
    await connection.close()
    return EVENTS / seconds


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
