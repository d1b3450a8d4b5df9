"""The one way to consume: `subscribe` binds a handler to a topic, and FastStream hands over raw records only.

`TopicReader` is for who only looks: it belongs to no group, commits nothing and acknowledges nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, UnknownTopicOrPartitionError
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.middlewares import AckPolicy

from qingdan.topics import Topic, TopicFamily
from runtime.db import Tx
from runtime.kafka_settings import KafkaConnection
from runtime.runs import Run
from runtime.settings import ServiceSettings

Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]
Handler: TypeAlias = Callable[[Tx, Run[Any]], Awaitable[None]]
Receiver: TypeAlias = Callable[[tuple[Record, ...]], Awaitable[None]]
Unreadable: TypeAlias = Callable[[TopicPartition], None]

RECORDS_PER_POLL_MAX = 1_000
_OPEN_TIMEOUT_S = 8.0
_READ_TIMEOUT_MS = 1_000
_READ_RECORDS_MAX = 200
_POLL_TIMEOUT_MS = 10  # FastStream sleeps this long once more after an empty poll: it bounds the latency


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler bound to a topic of the registry."""

    topic: Topic
    handler: Handler

    def subscriptions(self, _: ServiceSettings) -> Sequence["Subscription"]:
        """Itself."""
        return [self]


@dataclass(frozen=True, slots=True)
class FamilySubscription:
    """A handler bound to all topics of a family whose parties the settings name."""

    family: TopicFamily
    codes: Callable[[Any], Iterable[str]]
    handler: Handler

    def subscriptions(self, settings: ServiceSettings) -> Sequence[Subscription]:
        """One for each party. Raises UnknownTopic for a code that cannot stand in a topic's name."""
        return [Subscription(self.family.topic(code), self.handler) for code in self.codes(settings)]


def subscribe(topic: Topic) -> Callable[[Handler], Subscription]:
    """Make `handler(tx, run)` the consumer of `topic`.

    It is called inside the transaction that holds the inbox entry, with a run: events of one type, in the order of
    their keys. Redelivered events never reach it. What it raises decides: database or network away, deadlock,
    timeout: the partition backs off (0.1 s to 30 s) and comes again; a Refusal or a constraint: parked at once;
    anything else: three more tries, then parked.
    """
    return lambda handler: Subscription(topic, handler)


def subscribe_each(
    family: TopicFamily, codes: Callable[[Any], Iterable[str]]
) -> Callable[[Handler], FamilySubscription]:
    """Make `handler(tx, run)` the consumer of a family's topics, one for each of `codes(settings)`; as `subscribe`."""
    return lambda handler: FamilySubscription(family, codes, handler)


def create_broker(connection: KafkaConnection, *, client_id: str) -> KafkaBroker:
    """A FastStream broker that only consumes, decodes nothing and creates no topics."""
    return KafkaBroker(
        connection.bootstrap_servers,
        security=connection.for_faststream(),
        client_id=client_id,
        consumer_only=True,
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.MANUAL,
        graceful_timeout=8.0,
        apply_types=False,
        logger=None,
    )


class RawSubscriber:
    """A FastStream subscriber that hands over raw records and never acknowledges by itself."""

    def __init__(
        self, broker: KafkaBroker, topic_name: str, *, group: str, receive: Receiver, unreadable: Unreadable
    ) -> None:
        self._subscriber = broker.subscriber(
            topic_name,
            batch=True,
            group_id=group,
            ack_policy=AckPolicy.MANUAL,  # named here too: a policy of the broker is ignored on a router
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_records=RECORDS_PER_POLL_MAX,
            batch_timeout_ms=_POLL_TIMEOUT_MS,
            fetch_max_wait_ms=500,
            fetch_min_bytes=1,
            session_timeout_ms=45_000,
            heartbeat_interval_ms=3_000,
            rebalance_timeout_ms=60_000,
            max_poll_interval_ms=300_000,
            parser=self._parse,
            decoder=_hand_over,
            no_reply=True,
        )
        self._subscriber(receive)
        self._unreadable = unreadable
        self._one_by_one = False
        self._ordinary_poll = self._subscriber.get_msg
        self._subscriber.get_msg = self._poll  # type: ignore[method-assign]

    async def _poll(self, consumer: AIOKafkaConsumer) -> tuple[Record, ...]:
        """What FastStream polls with. A record that the client itself cannot read must not take others with it.

        A header's name that is not UTF-8 makes `getmany` raise after it has drained other partitions; polling on would
        commit past what was drained. So every partition goes back to what is committed, and records are taken one at a
        time until the culprit's turn comes: its partition is held there, and the others go on.
        """
        if not self._one_by_one:
            try:
                return await self._ordinary_poll(consumer)
            except (ValueError, CorruptRecordException):
                self._one_by_one = True
                for partition in consumer.assignment():
                    await _go_back(consumer, partition)
                return ()
        for partition in consumer.assignment() - consumer.paused():
            try:
                taken = await consumer.getmany(partition, timeout_ms=_POLL_TIMEOUT_MS, max_records=1)
            except (ValueError, CorruptRecordException):
                await _go_back(consumer, partition)
                consumer.pause(partition)
                self._one_by_one = False
                self._unreadable(partition)
                return ()
            if records := taken.get(partition):
                return tuple(records)
        return ()

    async def _parse(self, records: Any) -> KafkaMessage:
        """Look into nothing: FastStream's own parser raises on a null header and the record would be skipped."""
        return KafkaMessage(
            body=b"", headers={}, message_id="", correlation_id="", raw_message=records, consumer=self.client
        )

    @property
    def client(self) -> AIOKafkaConsumer:
        """The aiokafka consumer; there is one as long as records come."""
        consumer = self._subscriber.consumer
        assert consumer is not None
        return consumer

    @property
    def is_started(self) -> bool:
        return self._subscriber.consumer is not None

    async def commit(self, next_offsets: dict[TopicPartition, int]) -> None:
        """Commit exactly these positions: the consumer's own would include what is still under way."""
        if next_offsets:
            await self.client.commit(next_offsets)

    def rewind(self, partition: TopicPartition, offset: int) -> None:
        """Come back to `offset` and fetch nothing of this partition until `resume`, if it is still ours."""
        if self.is_started and partition in self.client.assignment():
            self.client.seek(partition, offset)
            self.client.pause(partition)

    def resume(self, partition: TopicPartition) -> None:
        """Fetch again, if the partition is still ours."""
        if self.is_started and partition in self.client.assignment():
            self.client.resume(partition)

    def progress(self) -> dict[TopicPartition, tuple[int | None, int | None, bool]]:
        """Per assigned partition: last fetched position, the log's end as last heard, and whether it is paused."""
        if not self.is_started:
            return {}
        client = self.client
        paused = client.paused()
        states = {}
        for partition in client.assignment():
            state = client._subscription.subscription.assignment.state_value(partition)
            position = state.position if state is not None and state.has_valid_position else None
            states[partition] = (position, client.highwater(partition), partition in paused)
        return states


async def _go_back(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    committed = await consumer.committed(partition)
    if committed is None:
        await consumer.seek_to_beginning(partition)
    else:
        consumer.seek(partition, committed)


async def _hand_over(message: Any) -> Any:
    return message.raw_message


def only_ours(broker: KafkaBroker, subscribers: Sequence[RawSubscriber]) -> bool:
    """Whether every subscriber of the broker went through this module; a service refuses to start otherwise."""
    return {id(s) for s in broker.subscribers} == {id(s._subscriber) for s in subscribers}


class TopicReader:
    """Reads a topic from named offsets on, in the order of each partition; several may read beside each other."""

    def __init__(self, connection: KafkaConnection, topic_name: str, *, client_id: str) -> None:
        self._topic_name = topic_name
        self._consumer = AIOKafkaConsumer(
            **connection.for_aiokafka(),
            client_id=client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",  # a position that is gone is an error, never a leap
            isolation_level="read_committed",
            max_poll_records=_READ_RECORDS_MAX,
            fetch_max_wait_ms=500,
            fetch_min_bytes=1,
            fetch_max_bytes=8 * 1024 * 1024,
            max_partition_fetch_bytes=1024 * 1024,
            request_timeout_ms=10_000,
            retry_backoff_ms=200,
            metadata_max_age_ms=60_000,
        )
        self._partitions: list[TopicPartition] = []
        self.next_offsets: list[int] = []

    async def open(self) -> tuple[list[int], list[int]]:
        """Connect; return where each partition begins and ends now.

        Raises KafkaError, OSError or TimeoutError when Kafka or the topic is away; the reader is closed then.
        """
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                await self._consumer.start()
                await self._consumer._client.add_topic(self._topic_name)
                numbers = self._consumer.partitions_for_topic(self._topic_name)
                if not numbers:
                    raise UnknownTopicOrPartitionError(self._topic_name)
                self._partitions = [TopicPartition(self._topic_name, number) for number in sorted(numbers)]
                starts = await self._consumer.beginning_offsets(self._partitions)
                ends = await self._consumer.end_offsets(self._partitions)
        except BaseException:
            await self.close()
            raise
        return [starts[each] for each in self._partitions], [ends[each] for each in self._partitions]

    def begin(self, next_offsets: Sequence[int]) -> None:
        """Read from these offsets on, one for each partition."""
        self._consumer.assign(self._partitions)
        self.next_offsets = list(next_offsets)
        self._go_back()

    async def read(self) -> list[Record]:
        """What comes next, after a second at the latest; nothing while Kafka is away.

        A record that the client itself cannot read is none of ours, and is passed over. Raises OffsetOutOfRangeError
        when retention was faster, and KafkaError when the topic is not ours to read any more.
        """
        try:
            records = await self._take(self._partitions, _READ_TIMEOUT_MS, _READ_RECORDS_MAX)
        except (ValueError, CorruptRecordException):
            self._go_back()
            records = await self._read_around_the_unreadable()
        return records

    async def _read_around_the_unreadable(self) -> list[Record]:
        """Each partition by itself, a record at a time: an unreadable one takes all others of a poll with it."""
        records: list[Record] = []
        for partition in self._partitions:
            try:
                records += await self._take([partition], _READ_TIMEOUT_MS, 1)
            except (ValueError, CorruptRecordException):
                self.next_offsets[partition.partition] += 1
                self._consumer.seek(partition, self.next_offsets[partition.partition])
        return records

    async def _take(self, partitions: Sequence[TopicPartition], timeout_ms: int, records_max: int) -> list[Record]:
        taken = await self._consumer.getmany(*partitions, timeout_ms=timeout_ms, max_records=records_max)
        records = [record for of_partition in taken.values() for record in of_partition]
        for record in records:
            self.next_offsets[record.partition] = record.offset + 1
        return records

    def _go_back(self) -> None:
        for partition, offset in zip(self._partitions, self.next_offsets, strict=True):
            self._consumer.seek(partition, offset)

    @property
    def has_more_partitions(self) -> bool:
        """Whether somebody has added partitions since: who reads on would miss what is in them."""
        return len(self._consumer.partitions_for_topic(self._topic_name) or ()) > len(self._partitions)

    async def close(self) -> None:
        await self._consumer.stop()
