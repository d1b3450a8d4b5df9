"""Parts: the loops of a service beside its HTTP, started together and stopped in order."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import structlog
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from qingdan.kafka_access import consumer_group
from runtime import audit, inbox, metrics
from runtime.actor import Actor
from runtime.consumer import Consumer
from runtime.db import Pool, transaction
from runtime.health import Heartbeats
from runtime.invariants import read_invariants
from runtime.kafka import RawSubscriber, Subscription, create_broker, only_ours
from runtime.kafka_settings import KafkaConnection
from runtime.relay import Relay
from runtime.works import Work, Working

_log = structlog.stdlib.get_logger(__name__)

SEAL_EVERY_S: Final = 0.5
MEASURE_EVERY_S: Final = 10.0
RELEASE_EVERY_S: Final = 1.0
WATCH_EVERY_S: Final = 2.0
FORGET_EVERY_S: Final = 3600.0
IDEMPOTENCY_KEPT: Final = timedelta(days=7)
_RESTART_AFTER_S: Final = 1.0
_CONNECT_AGAIN_AFTER_S: Final = 1.0
LOOP_LIMIT_S: Final = 60.0


class Part(Protocol):
    """What a process of a service is made of beside its HTTP."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class ForeignSubscriber(RuntimeError):
    """Something subscribed to Kafka without runtime.kafka.subscribe: its acknowledgements would not be safe."""


@dataclass(slots=True)
class Loops:
    """Background tasks that are started again when they fail, and are seen by /livez when they do not go on."""

    heartbeats: Heartbeats
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, name: str, turn: Callable[[], Awaitable[object]], *, every_s: float) -> None:
        """Call `turn` again and again, `every_s` apart; an error is logged and tried again."""
        self.heartbeats.watch(name, limit_s=LOOP_LIMIT_S + every_s)
        self._tasks.append(asyncio.create_task(self._repeat(name, turn, every_s), name=name))

    async def stop(self) -> None:
        """Cancel all and wait until they are gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _repeat(self, name: str, turn: Callable[[], Awaitable[object]], every_s: float) -> None:
        while True:
            self.heartbeats.beat(name)
            try:
                await turn()
                await asyncio.sleep(every_s)
            except Exception as error:
                _log.warning("loop_failed", loop=name, exc_info=error)
                await asyncio.sleep(_RESTART_AFTER_S)


@dataclass(slots=True)
class RelayPart:
    """Publishing: the relay, the audit sealer, the gauges, and forgetting what need not be kept."""

    pool: Pool
    actor: Actor
    connection: KafkaConnection
    heartbeats: Heartbeats
    _relay: Relay | None = None
    _loops: Loops | None = None

    async def start(self) -> None:
        self._relay = Relay(self.pool, self.actor, self.connection, self.heartbeats)
        self._loops = Loops(self.heartbeats)
        self._loops.start("relay", self._relay.run, every_s=1.0)
        self._loops.start("seal", self._seal, every_s=SEAL_EVERY_S)
        self._loops.start("measure", self._measure, every_s=MEASURE_EVERY_S)
        self._loops.start("forget", self._forget, every_s=FORGET_EVERY_S)

    async def stop(self) -> None:
        if self._relay is not None and self._loops is not None:
            await self._relay.stop()
            await self._loops.stop()
            with contextlib.suppress(Exception):  # the next sealer goes on where this one stopped
                await self._seal()

    async def _seal(self) -> None:
        while await audit.seal(self.pool, self.actor):
            self.heartbeats.beat("seal")

    async def _measure(self) -> None:
        async with transaction(self.pool, self.actor) as tx:
            now = await read_invariants(tx)
        metrics.outbox_oldest_age.set(now.outbox_oldest_age_s)
        metrics.outbox_unpublished.set(now.outbox_unpublished)
        metrics.audit_unsealed_age.set(now.audit_unsealed_age_s)

    async def _forget(self) -> None:
        async with transaction(self.pool, self.actor) as tx:
            await tx.execute(
                "DELETE FROM inbox WHERE received_at < clock_timestamp() - $1::interval",
                timedelta(days=inbox.RETENTION_DAYS),
            )
            await tx.execute(
                "DELETE FROM idempotency WHERE created_at < clock_timestamp() - $1::interval", IDEMPOTENCY_KEPT
            )


@dataclass(slots=True)
class WorkPart:
    """What the service does by itself, each work in a loop of its own."""

    working: Working
    heartbeats: Heartbeats
    works: Sequence[Work]
    _loops: Loops | None = None

    async def start(self) -> None:
        self._loops = Loops(self.heartbeats)
        for work in self.works:
            self._loops.start(f"work:{work.name}", partial(self._go_on, work), every_s=work.every_s)

    async def stop(self) -> None:
        """Cut the turn under way: what it had not committed is taken up again by whoever comes next."""
        if self._loops is not None:
            await self._loops.stop()

    async def _go_on(self, work: Work) -> None:
        await work.go_on(self.working, partial(self.heartbeats.beat, f"work:{work.name}"))


@dataclass(slots=True)
class ConsumePart:
    """Consuming: every subscription of the service, its progress, and the release of what was parked."""

    name: str
    pool: Pool
    actor: Actor
    connection: KafkaConnection
    heartbeats: Heartbeats
    subscriptions: Sequence[Subscription]
    _broker: KafkaBroker | None = None
    _consumers: list[Consumer] = field(default_factory=list)
    _loops: Loops | None = None
    _seen: dict[object, int | None] = field(default_factory=dict)

    async def start(self) -> None:
        """Connect, waiting for Kafka as long as it takes. Raises ForeignSubscriber."""
        broker = self._subscribe_all()
        self.heartbeats.not_ready("consume", "not connected to Kafka yet")
        while True:
            try:
                await broker.start()
                break
            except (KafkaError, OSError, TimeoutError) as error:
                _log.warning("kafka_not_reached", error=type(error).__name__)
                with contextlib.suppress(KafkaError, OSError, TimeoutError):
                    await broker.stop()
                await asyncio.sleep(_CONNECT_AGAIN_AFTER_S)
                broker = self._subscribe_all()
        self._broker = broker
        self.heartbeats.ready("consume")
        self._loops = Loops(self.heartbeats)
        for consumer in self._consumers:
            self.heartbeats.watch(consumer.loop_name, limit_s=LOOP_LIMIT_S)
            self._loops.start(
                f"release:{consumer.subscription.topic.name}", consumer.release_parked, every_s=RELEASE_EVERY_S
            )
        self._loops.start("progress", self._watch_progress, every_s=WATCH_EVERY_S)

    async def stop(self) -> None:
        """Finish the batch under way, then leave the groups."""
        if self._broker is not None:
            await self._broker.stop()
        if self._loops is not None:
            await self._loops.stop()

    def _subscribe_all(self) -> KafkaBroker:
        broker = create_broker(self.connection, client_id=self.pool.source)
        self._consumers = []
        for subscription in self.subscriptions:
            consumer = Consumer(self.name, subscription, self.pool, self.actor, self.heartbeats)
            consumer.raw = RawSubscriber(
                broker,
                self.connection.topic_prefix + subscription.topic.name,
                group=consumer_group(self.name, subscription.topic.name, self.connection.topic_prefix),
                receive=consumer.receive,
                unreadable=consumer.stop_before_unreadable,
            )
            self._consumers.append(consumer)
        if not only_ours(broker, [consumer.raw for consumer in self._consumers]):
            raise ForeignSubscriber("consume through runtime.kafka.subscribe only")
        return broker

    async def _watch_progress(self) -> None:
        """A consumer is alive when it has nothing to do, or goes on, or waits on purpose; a ping would not tell."""
        for consumer in self._consumers:
            alive = True
            for partition, (position, end, paused) in consumer.raw.progress().items():
                place = (consumer.loop_name, partition)
                lag = max(0, end - position) if position is not None and end is not None else 0
                metrics.consumer_lag.set(lag, {"topic": partition.topic, "partition": partition.partition})
                if lag and not paused and self._seen.get(place) == position:
                    alive = False
                self._seen[place] = position
            if alive:
                self.heartbeats.beat(consumer.loop_name)
