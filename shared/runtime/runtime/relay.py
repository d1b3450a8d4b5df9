"""Relay: publishes the outbox in order per key, and deletes what Kafka has acknowledged."""

import asyncio
import contextlib
import os
import socket
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import orjson
import structlog

from runtime import lanes, metrics
from runtime.actor import Actor
from runtime.db import Pool, transaction
from runtime.failpoints import Failpoint, hit
from runtime.health import Heartbeats
from runtime.ids import new_id
from runtime.kafka_settings import KafkaConnection
from runtime.lanes import Lease
from runtime.producer import BatchProducer, Outbound

_log = structlog.stdlib.get_logger(__name__)

# Only for rows of other processes, a commit here wakes its lanes' worker at once: often while there are some, seldom
# when there have been none for a while.
POLL_EVERY_S: Final = 0.02
POLL_IDLE_EVERY_S: Final = 0.1
IDLE_AFTER_TURNS: Final = 5
BATCH_MAX: Final = 1_024
WORKERS: Final = 2
_SEND_TIMEOUT_S: Final = lanes.LEASE_S - lanes.RENEW_EVERY_S
_PAUSE_AFTER_FAILURE_S: Final = 0.5
_LOOK_EVERY_S: Final = 0.1

FAULTS_OF_THE_DATABASE: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server's death left in no usable state
)

# Never `seq > last`: seq is given at insert and seen at commit, so a cursor passes rows by (71 % were lost with 20
# writers). What is there is not done; what is done is gone. Each lane gets a fair part of the batch.
_NEXT = """
SELECT o.lane, o.seq, o.topic, o.key, o.headers, o.value
FROM unnest($1::smallint[]) AS mine(lane)
CROSS JOIN LATERAL (SELECT * FROM outbox WHERE outbox.lane = mine.lane ORDER BY seq LIMIT $2) AS o
"""

# The epoch fences: a relay that lost its lane marks nothing, and the new owner publishes those rows again.
# One array and no join on the rows: a plan made while the table was empty would otherwise walk it once for each row.
_MARK = """
WITH mine AS (
    UPDATE relay_lane l SET published = published + d.rows,
        leased_until = clock_timestamp() + make_interval(secs => $1)
    FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) AS d(lane, epoch, rows)
    WHERE l.lane = d.lane AND l.owner = $5 AND l.epoch = d.epoch
    RETURNING l.lane)
DELETE FROM outbox o USING mine WHERE o.lane = mine.lane AND o.seq = ANY($6::bigint[])
"""


@dataclass(slots=True)
class Relay:
    """One replica's relay: `run` until cancelled or `stop`ped.

    Two workers halve its lanes between them: while one waits for Kafka, the other reads or marks. A lane belongs to one
    worker and that one has one batch under way, so the order within a key needs no further care.
    """

    pool: Pool
    actor: Actor
    connection: KafkaConnection
    heartbeats: Heartbeats
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}/{os.getpid()}/{new_id()}")
    leases: dict[int, Lease] = field(default_factory=dict)
    _workers: list["_Worker"] = field(default_factory=list)
    _stopping: bool = False

    def __post_init__(self) -> None:
        self._workers = [
            _Worker(self, number, BatchProducer(self.connection, client_id=f"{self.pool.source}/{number}"))
            for number in range(WORKERS)
        ]

    async def run(self) -> None:
        """Publish until stopped; a database or broker that is away costs time only."""
        async with asyncio.TaskGroup() as tasks:
            for worker in self._workers:
                tasks.create_task(worker.run())
            while not self._stopping:
                try:
                    held = await lanes.hold_share(self.pool, self.actor, self.owner)
                    self.leases = {lease.lane: lease for lease in held}
                    self.heartbeats.beat("relay")
                except FAULTS_OF_THE_DATABASE as error:
                    _log.warning("relay_paused", error=type(error).__name__)
                    self.leases = {}  # what is not renewed may be another's by now
                await self._until_renewal()

    async def stop(self) -> None:
        """Finish the batches under way and hand the lanes back."""
        self._stopping = True
        for worker in self._workers:
            await worker.stop()
        with contextlib.suppress(*FAULTS_OF_THE_DATABASE):
            await lanes.give_up(self.pool, self.actor, self.owner)

    @property
    def idle_turns(self) -> int:
        """For how many turns no worker has had anything to publish."""
        return min(worker.empty_turns for worker in self._workers)

    async def _until_renewal(self) -> None:
        waited_s = 0.0
        while waited_s < lanes.RENEW_EVERY_S and not self._stopping:
            await asyncio.sleep(_LOOK_EVERY_S)
            waited_s += _LOOK_EVERY_S


@dataclass(slots=True, eq=False)
class _Worker:
    relay: Relay
    number: int
    producer: BatchProducer
    empty_turns: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False

    async def run(self) -> None:
        self._idle.clear()
        self.relay.pool.wakes.add(self.wake_for)
        try:
            while not self._stopping:
                self.relay.heartbeats.beat(f"relay:{self.number}")
                try:
                    published = await self.publish_batch()
                except FAULTS_OF_THE_DATABASE as error:
                    _log.warning("relay_paused", error=type(error).__name__)
                    await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)
                    continue
                self.empty_turns = 0 if published else self.empty_turns + 1
                if published < BATCH_MAX // 2:
                    await self._wait_for_commit(
                        POLL_EVERY_S if self.empty_turns < IDLE_AFTER_TURNS else POLL_IDLE_EVERY_S
                    )
        finally:
            self.relay.pool.wakes.discard(self.wake_for)
            self._idle.set()

    async def stop(self) -> None:
        """Finish the batch under way, if `run` is running; then let go of Kafka."""
        self._stopping = True
        self._wake.set()
        if self.wake_for in self.relay.pool.wakes:
            await self._idle.wait()
        await self.producer.close()

    async def publish_batch(self) -> int:
        """Send one batch and delete what was acknowledged; return how many rows that were."""
        mine = {lane: lease for lane, lease in self.relay.leases.items() if self._owns(lane)}
        if not mine:
            return 0
        self._wake.clear()  # here and not after the wait: what was committed until now is read now
        async with transaction(self.relay.pool, self.relay.actor) as tx:
            # A bitmap scan marks no dead index entry as dead: every poll would read all that was ever published again.
            await tx.execute("SET LOCAL enable_bitmapscan = off")
            rows = await tx.fetch(_NEXT, list(mine), max(1, BATCH_MAX // len(mine)))
        if not rows:
            return 0
        await hit(Failpoint.RELAY_AFTER_READ)
        acknowledged = await self.producer.send([_outbound(row) for row in rows], timeout_s=_SEND_TIMEOUT_S)
        await hit(Failpoint.RELAY_AFTER_SEND)
        done = [row for row, is_acknowledged in zip(rows, acknowledged, strict=True) if is_acknowledged]
        if done:
            await self._mark(done, mine)
            await hit(Failpoint.RELAY_AFTER_MARK)
        if len(done) < len(rows):
            metrics.relay_failed.add(1)
            await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)
        return len(done)

    async def _mark(self, done: list[asyncpg.Record], mine: dict[int, Lease]) -> None:
        per_lane = Counter(row["lane"] for row in done)
        async with transaction(self.relay.pool, self.relay.actor) as tx:
            marked = await tx.execute(
                _MARK,
                lanes.LEASE_S,
                list(per_lane),
                [mine[lane].epoch for lane in per_lane],
                list(per_lane.values()),
                self.relay.owner,
                [row["seq"] for row in done],
            )
        metrics.relay_published.add(int(marked.split()[-1]))

    def _owns(self, lane: int) -> bool:
        return lane % WORKERS == self.number

    @property
    def is_awake(self) -> bool:
        return self._wake.is_set()

    def wake_for(self, lanes: Set[int]) -> None:
        """A commit in this process has added to these lanes."""
        if any(map(self._owns, lanes)):
            self._wake.set()

    async def _wait_for_commit(self, at_most_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), at_most_s)


def _outbound(row: asyncpg.Record) -> Outbound:
    key = row["key"]
    headers = orjson.loads(row["headers"])
    return Outbound(
        row["topic"],
        None if key is None else key.encode(),
        row["value"],
        [(name, text.encode()) for name, text in headers.items()],
    )
