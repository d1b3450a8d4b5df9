"""The broker as a test sees it: send anything, read everything back, know how far a group has come."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.group import LeaveGroupRequest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from devkit.eventually import eventually_sync
from devkit.own_loop import run_in_own_loop
from qingdan.envelope import Envelope, EventBody, service_source, to_record
from qingdan.topics import TASKS
from runtime.clock import utcnow
from runtime.ids import new_id

ANSWER_TIMEOUT_S = 10.0
_LOADING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}

Headers = list[tuple[str, bytes | None]]


class Raw(NamedTuple):
    """A record as some program out there might send it."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def record_of(event: EventBody, *, event_id: str | None = None, traceparent: str | None = None) -> Raw:
    """The record that our own relay would send for `event`."""
    made = to_record(
        Envelope.of(
            event,
            id=event_id or str(new_id()),
            source=service_source("probe"),
            time=utcnow(),
            traceparent=traceparent,
        )
    )
    return Raw(made.key, made.value, [*made.headers])


@contextmanager
def _coordinator_may_be_loading() -> Iterator[None]:
    """Make "not yet" (an AssertionError, for `eventually`) of a coordinator that makes or loads its groups just now."""
    try:
        yield
    except KafkaException as error:
        kafka_error = error.args[0]
        assert kafka_error.code() not in _LOADING, kafka_error.str()
        raise


@dataclass(frozen=True, slots=True)
class Broker:
    """Topics under one prefix of one broker."""

    bootstrap: str
    prefix: str
    topic: str = TASKS.name
    service: str = "probe"
    """Whose consumer group it is."""

    @property
    def topic_name(self) -> str:
        return self.prefix + self.topic

    @property
    def group(self) -> str:
        return f"{self.prefix}{self.service}.{self.topic}"

    def send(self, records: Iterable[Raw], *, partition: int | None = None) -> int:
        """Send in order and wait for the acknowledgements; return how many were sent."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "message.max.bytes": 10_000_000,
            }
        )
        errors: list[object] = []
        count = 0
        for record in records:
            producer.produce(
                self.topic_name,
                key=record.key,
                value=record.value,
                headers=record.headers,  # type: ignore[arg-type] # null values are allowed; the stub forgets them
                partition=-1 if partition is None else partition,
                on_delivery=lambda error, _: errors.append(error) if error else None,
            )
            count += 1
        assert producer.flush(ANSWER_TIMEOUT_S) == 0
        assert not errors
        return count

    def ends(self, topic: str | None = None) -> dict[int, int]:
        """The next offset of each partition of a topic (the probe's unless named, without the prefix)."""
        name = self.prefix + (topic or self.topic)
        consumer = self._reader()
        try:
            partitions = consumer.list_topics(name, ANSWER_TIMEOUT_S).topics[name].partitions
            return {
                number: consumer.get_watermark_offsets(TopicPartition(name, number), ANSWER_TIMEOUT_S)[1]
                for number in partitions
            }
        finally:
            consumer.close()

    def read(self, topic: str | None = None) -> list[Message]:
        """Every record there is now, partition by partition, in order."""
        name, records = self.prefix + (topic or self.topic), list[Message]()
        ends = {number: end for number, end in self.ends(topic).items() if end}
        consumer = self._reader()
        try:
            for number, end in ends.items():
                consumer.assign([TopicPartition(name, number, 0)])
                position = 0
                while position < end:
                    for message in consumer.consume(1_000, 0.2):
                        assert message.error() is None
                        records.append(message)
                        position = (message.offset() or 0) + 1
        finally:
            consumer.close()
        return records

    def committed(self) -> dict[int, int]:
        """The offsets that the group has committed, by partition."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        asked = [ConsumerGroupTopicPartitions(self.group)]
        with _coordinator_may_be_loading():
            answer = admin.list_consumer_group_offsets(asked, request_timeout=ANSWER_TIMEOUT_S)[self.group].result()
        return {tp.partition: tp.offset for tp in answer.topic_partitions or [] if tp.topic == self.topic_name}

    def lag(self) -> int:
        """Records that the group has not acknowledged."""
        committed = self.committed()
        return sum(end - committed.get(number, 0) for number, end in self.ends().items())

    def forget_members(self) -> None:
        """Do at once what the coordinator does when the dead members' sessions run out (45 s)."""
        eventually_sync(lambda: run_in_own_loop(self._forget_members()), what="the coordinator forgets the members")

    def members(self) -> int:
        """How many consumers the group has, the dead ones included until their sessions run out."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        with _coordinator_may_be_loading():
            asked = admin.describe_consumer_groups([self.group], request_timeout=ANSWER_TIMEOUT_S)
            return len(asked[self.group].result().members)

    async def _forget_members(self) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            coordinator = await admin.find_coordinator(self.group)
            (described,) = await admin.describe_consumer_groups([self.group], coordinator)
            for error_code, _, _, _, _, members, *_ in described.groups:
                if error_code:
                    return False
                for member in members:
                    await admin._send_request_to_node(coordinator, LeaveGroupRequest(self.group, member[0]))
        except GroupCoordinatorNotAvailableError:
            return False  # it makes or loads its groups just now
        else:
            return True
        finally:
            await admin.close()

    def _reader(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": f"{self.prefix}reader",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
