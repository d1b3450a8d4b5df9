"""The bank's counter: takes what its topic brings, has it booked, sends the answers, and only then says it was read."""

from functools import partial
from time import monotonic, sleep
from typing import Final, cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from devkit.bank.book import Answer, Book
from devkit.bank.failpoints import Failpoint, Failpoints
from devkit.bank.settings import BankSettings
from devkit.bank.teller import Teller, now_ms
from qingdan.bank_events import BatchDeclared
from qingdan.envelope import Envelope, EventBody, MalformedMessage, UnknownEventType, from_record
from qingdan.topics import in_bank, to_bank
from runtime.sealing import PrivateKeys

RECORDS_PER_TURN_MAX: Final = 1_000
POLL_S: Final = 0.05
SEND_TIMEOUT_S: Final = 10.0
METADATA_TIMEOUT_S: Final = 10.0


class Counter:
    """One bank at work, in turns. It reads all partitions by itself: a bank that was killed goes on at once."""

    def __init__(self, settings: BankSettings) -> None:
        self._book = Book(settings.directory)
        self._teller = Teller(self._book, settings.code, PrivateKeys.read(settings.key_file), settings.behaviour)
        self._failpoints = Failpoints(settings.failpoints)
        self._orders = to_bank(settings.code).name
        self._orders_topic = settings.connection.topic_prefix + self._orders
        self._answers_topic = settings.connection.topic_prefix + in_bank(settings.code).name
        connection = settings.connection.for_librdkafka() | {"log_level": 0}
        self._consumer = Consumer(
            connection
            | {
                "group.id": f"{settings.connection.topic_prefix}bank-{settings.code.lower()}.counter",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
            }
        )
        self._producing = connection | {
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 2,
            "compression.type": "none",
            "allow.auto.create.topics": False,
            "partitioner": "murmur2_random",
        }
        self._producer = Producer(self._producing)

    def open(self) -> None:
        """Go to where it left off. Raises KafkaException when the topic is not there."""
        known = self._consumer.list_topics(self._orders_topic, timeout=METADATA_TIMEOUT_S).topics[self._orders_topic]
        if known.error is not None:
            raise KafkaException(known.error)
        committed = self._committed([TopicPartition(self._orders_topic, number) for number in known.partitions])
        for place in committed:
            if place.offset == OFFSET_INVALID:
                place.offset = OFFSET_BEGINNING
        self._consumer.assign(committed)

    def turn(self) -> None:
        """Take, book, send, mark, commit. What a kill leaves undone is done again, with the same answers."""
        taken = [message for message in self._consumer.consume(RECORDS_PER_TURN_MAX, POLL_S) if not message.error()]
        if taken:
            self._failpoints.hit(Failpoint.AFTER_RECEIVE)
        with self._book.transaction():
            for event in self._declarations_first(taken):
                self._teller.take(event)
            self._teller.work_due()
            if taken:
                self._failpoints.hit(Failpoint.IN_BOOK)
        if taken:
            self._failpoints.hit(Failpoint.AFTER_BOOK)
        while answers := self._book.answers_due(now_ms(), RECORDS_PER_TURN_MAX):
            if not self._send(answers):
                return  # the broker is away: what it has not taken stays in the book until the next turn
        if taken:
            self._commit(taken)

    def close(self) -> None:
        self._consumer.close()
        self._book.close()

    def _committed(self, wanted: list[TopicPartition]) -> list[TopicPartition]:
        """A broker that has just started has no coordinator yet, and says so for a moment."""
        give_up_at = monotonic() + METADATA_TIMEOUT_S
        while True:
            try:
                return self._consumer.committed(wanted, timeout=METADATA_TIMEOUT_S)
            except KafkaException:
                if monotonic() > give_up_at:
                    raise
                sleep(0.05)

    def _declarations_first(self, taken: list[Message]) -> list[Envelope[EventBody]]:
        """What can be read. A batch is declared on another partition than its payments: first what they wait for."""
        events = [event for message in taken if (event := self._read(message)) is not None]
        events.sort(key=lambda event: not isinstance(event.data, BatchDeclared))
        return events

    def _read(self, message: Message) -> Envelope[EventBody] | None:
        try:
            headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
            return from_record(self._orders, message.key(), message.value(), headers)
        except (MalformedMessage, UnknownEventType):
            self._book.count("unreadable_records")
            return None

    def _send(self, answers: list[Answer]) -> bool:
        """Send and mark what the broker has taken; whether that was all."""
        taken: list[int] = []
        for answer in answers:
            self._producer.produce(
                self._answers_topic,
                key=answer.key,
                value=answer.value,
                headers=list(answer.headers),
                on_delivery=partial(_note, taken, answer.number),
            )
        if self._producer.flush(SEND_TIMEOUT_S):
            self._producer.purge()
            self._producer.poll(0)
            self._producer = Producer(self._producing)  # what was under way would leave a gap in the old one's count
        if taken:
            self._failpoints.hit(Failpoint.AFTER_SEND_BEFORE_MARK)
        with self._book.transaction():
            self._book.mark_sent(taken)
            if len(taken) < len(answers):
                self._book.count("answers_not_taken")
        if taken:
            self._failpoints.hit(Failpoint.AFTER_MARK)
        return len(taken) == len(answers)

    def _commit(self, taken: list[Message]) -> None:
        next_offsets = {message.partition() or 0: (message.offset() or 0) + 1 for message in taken}
        places = [TopicPartition(self._orders_topic, number, offset) for number, offset in next_offsets.items()]
        try:
            self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException:
            return  # they come again, and have been heard
        self._failpoints.hit(Failpoint.AFTER_OFFSET)


def _note(taken: list[int], number: int, error: KafkaError | None, _: Message) -> None:
    if error is None:
        taken.append(number)
