"""Who instructs the bank over a real Kafka and listens to its answers."""

from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Self, cast
from uuid import UUID

from confluent_kafka import Consumer, Producer, TopicPartition

from devkit.eventually import eventually_sync
from devkit.keys import BANK
from qingdan.envelope import Envelope, EventBody, from_record, to_record
from qingdan.topics import in_bank, to_bank


class Payer:
    """Sends to the bank's topic and reads its answers from the beginning; `answers` has each event once."""

    def __init__(self, bootstrap: str, topic_prefix: str) -> None:
        self._prefix = topic_prefix
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5})
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": f"{topic_prefix}payer", "enable.auto.commit": False}
        )
        self.records = 0
        self.answers: dict[str, EventBody] = {}

    def __enter__(self) -> Self:
        topic = self._prefix + in_bank(BANK).name
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def send(self, events: Iterable[Envelope[EventBody]]) -> None:
        for event in events:
            record = to_record(event)
            self._producer.produce(
                self._prefix + to_bank(BANK).name, key=record.key, value=record.value, headers=list(record.headers)
            )
        assert self._producer.flush(30) == 0

    def send_raw(self, value: bytes) -> None:
        """A record that is no event."""
        self._producer.produce(self._prefix + to_bank(BANK).name, value=value)
        assert self._producer.flush(30) == 0

    def hear(self) -> Counter[str]:
        """What has been answered so far, by type; records that come twice are counted in `records` only."""
        for message in self._consumer.consume(2_000, 0.2):
            assert message.error() is None
            headers = cast("list[tuple[str, bytes | None]]", message.headers())
            event = from_record(in_bank(BANK).name, message.key(), message.value(), headers)
            self.records += 1
            self.answers[event.id] = event.data
        return Counter(answer.type for answer in self.answers.values())

    def told_of(self) -> set[UUID]:
        """The payments of which a result has been heard."""
        return {answer.payment for answer in self.answers.values() if hasattr(answer, "payment")}

    def wait_for(self, payments: Iterable[UUID], *, timeout_s: float = 30.0) -> None:
        """Until a result of each has been heard."""
        wanted = set(payments)

        def all_told() -> bool:
            self.hear()
            return wanted <= self.told_of()

        eventually_sync(all_told, timeout_s=timeout_s, every_s=0.01, what="the bank has told of every payment")
