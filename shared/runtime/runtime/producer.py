"""The producer: sends a batch to Kafka and says which records were acknowledged."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from runtime.kafka_settings import KafkaConnection

_FLUSH_EVERY_S = 0.5

_log = structlog.stdlib.get_logger(__name__)


class Outbound(NamedTuple):
    """One record to send; `topic` is the registry's name."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class BatchProducer:
    """An idempotent producer that is thrown away and rebuilt on any error.

    Records of one key arrive in the order sent: librdkafka's idempotent producer keeps the order within a partition
    over its own retries, records never time out in its queue (a record given up between two others would let the
    later one overtake), and after an error the whole queue is purged, so that what reached the broker is a prefix.
    """

    def __init__(self, connection: KafkaConnection, *, client_id: str) -> None:
        self._prefix = connection.topic_prefix
        self._options = connection.for_librdkafka() | {
            "client.id": client_id,
            "enable.idempotence": True,
            "acks": "all",
            "message.timeout.ms": 0,
            "linger.ms": 2,
            "compression.type": "none",  # an integrator needs no codec of ours; the broker may compress at rest
            "queue.buffering.max.messages": 200_000,
            "allow.auto.create.topics": False,
            "topic.metadata.refresh.interval.ms": 60_000,
            "partitioner": "murmur2_random",  # the Java client's, so that every producer agrees where a key lives
            "log_level": 0,
        }
        self._producer: Producer | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="producer")

    async def send(self, records: Sequence[Outbound], *, timeout_s: float) -> list[bool]:
        """Send all and wait; one truth value per record: acknowledged by all in-sync replicas, or not known to be.

        Not acknowledged after `timeout_s` means unknown, never failed: the caller sends the same record again.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._send, records, timeout_s)

    async def close(self) -> None:
        """Forget what is queued: what was not acknowledged is still in the outbox."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._rebuild)
        self._thread.shutdown(wait=False)

    def _send(self, records: Sequence[Outbound], timeout_s: float) -> list[bool]:
        producer = self._producer = self._producer or Producer(self._options)
        acknowledged = [False] * len(records)
        errors: list[KafkaError] = []
        try:
            for position, record in enumerate(records):
                producer.produce(
                    self._prefix + record.topic,
                    key=record.key,
                    value=record.value,
                    headers=record.headers,  # type: ignore[arg-type] # null values are allowed; the stub forgets them
                    on_delivery=partial(_note, acknowledged, errors, position),
                )
            give_up_at = monotonic() + timeout_s
            while producer.flush(_FLUSH_EVERY_S) and not errors and monotonic() < give_up_at:
                pass
        except (KafkaException, BufferError) as error:
            _log.warning("producer_failed", error=type(error).__name__)
        for code in {error.name() for error in errors}:
            _log.warning("producer_rejected", error=code)
        if not all(acknowledged):
            self._rebuild()
        return acknowledged

    def _rebuild(self) -> None:
        if self._producer is not None:
            self._producer.purge(in_queue=True, in_flight=True, blocking=True)
            self._producer.poll(0)
            self._producer = None


def _note(
    acknowledged: list[bool], errors: list[KafkaError], position: int, error: KafkaError | None, _: Message
) -> None:
    if error is None:
        acknowledged[position] = True
    else:
        errors.append(error)
