"""The data hub, played: sends a population's registers as facts and its people's identities sealed to `subsidy`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from aiokafka.partitioner import murmur2
from confluent_kafka import KafkaError, Message, Producer

from devkit.records.people import Person, Population, State
from qingdan.envelope import Envelope, EventBody, KafkaRecord, service_source, to_record, tombstone_record
from qingdan.identity import BankAccount
from qingdan.records_events import Fact, FactsRecorded, Identity, IdentityRecorded
from qingdan.topics import RECORDS_FACTS
from runtime.clock import utcnow
from runtime.ids import new_id
from runtime.kafka_settings import KafkaConnection
from runtime.sealing import PublicKey, new_content_key, seal, wrap

SOURCE: Final = service_source("records")
POLL_EVERY: Final = 1_000
SEND_TIMEOUT_S: Final = 60.0

Progress = Callable[[int, int], None]
"""Records sent so far, and how many there will be."""


class NotDelivered(RuntimeError):
    """The broker did not take everything in time, or refused some of it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How much has been played."""

    facts: int
    identities: int

    @property
    def records(self) -> int:
        return self.facts + self.identities


class DataHub:
    """Plays `records` on a broker, until that service exists. Its methods block until the broker has taken all."""

    def __init__(self, connection: KafkaConnection, reader: PublicKey) -> None:
        self._reader = reader
        self._prefix = connection.topic_prefix
        self._partitions: dict[str, int] = {}
        self._refused: set[str] = set()
        self._producer = Producer(
            connection.for_librdkafka()
            | {
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 5,
                "compression.type": "none",
                "queue.buffering.max.messages": 200_000,
                "allow.auto.create.topics": False,
                "log_level": 0,
            }
        )

    def play(self, population: Population, progress: Progress | None = None) -> Sent:
        """Everything that the registers hold, the county's declarations, and all identities."""
        facts = len(population.states) + len(population.county)
        sent = Sent(facts, len(population.people))
        self._send(self._of_population(population), of=sent.records, progress=progress)
        return sent

    def record(self, states: Iterable[State], source_time: datetime) -> None:
        """States as of a time, one after the other; a later time replaces what was said of the same subject before."""
        self._send(_record(facts_of(state, source_time)) for state in states)

    def withdraw(self, subject: str, register: str) -> None:
        """The register no longer has the subject: a tombstone."""
        key = f"{subject}/{register}"
        self._send([(tombstone_record(RECORDS_FACTS, key, id=str(new_id()), source=SOURCE, time=utcnow()), subject)])

    def name_new_accounts(self, people: Iterable[Person]) -> None:
        """Each of these people names the account that replaces a closed one."""
        self._send(self._identity(person, person.papers.account_later) for person in people)

    def _of_population(self, population: Population) -> Iterator[tuple[KafkaRecord, str]]:
        told = datetime.combine(population.as_of, time(12), UTC)
        for state in population.states:
            yield _record(facts_of(state, told))
        for number, state in enumerate(population.county):
            yield _record(facts_of(state, told + timedelta(seconds=number)))  # a later parameter is told later
        for person in population.people:
            yield self._identity(person, person.papers.account)

    def _identity(self, person: Person, account: BankAccount | None) -> tuple[KafkaRecord, str]:
        papers, key = person.papers, new_content_key()
        clear = Identity(
            person=person.id, name=papers.name, resident_id=papers.resident_id, account=account, phone=papers.phone
        )
        sealed = seal(key, clear, event_type=IdentityRecorded.event_type(), event_key=str(person.id))
        return _record(IdentityRecorded(person=person.id, keys=(wrap(key, self._reader),), sealed=sealed))

    def _send(
        self, records: Iterable[tuple[KafkaRecord, str]], *, of: int = 0, progress: Progress | None = None
    ) -> None:
        done = 0
        for record, order_key in records:
            self._producer.produce(
                self._prefix + record.topic,
                key=record.key,
                value=record.value,
                headers=record.headers,  # type: ignore[arg-type]
                partition=self._partition(record.topic, order_key),
                on_delivery=self._note,
            )
            done += 1
            if done % POLL_EVERY == 0:
                self._producer.poll(0)
                if progress is not None:
                    progress(done, of)
        if self._producer.flush(SEND_TIMEOUT_S) or self._refused:
            raise NotDelivered(", ".join(sorted(self._refused)) or f"not within {SEND_TIMEOUT_S:g} s")
        if progress is not None:
            progress(done, of)

    def _partition(self, topic: str, order_key: str) -> int:
        """By the order key, as the Java client's partitioner does by the record's: one subject, one partition."""
        if topic not in self._partitions:
            known = self._producer.list_topics(self._prefix + topic, timeout=SEND_TIMEOUT_S).topics[
                self._prefix + topic
            ]
            if known.error is not None:
                raise NotDelivered(known.error.name())
            self._partitions[topic] = len(known.partitions)
        return (int(murmur2(order_key.encode())) & 0x7FFFFFFF) % self._partitions[topic]

    def _note(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._refused.add(error.name())


def facts_of(state: State, source_time: datetime) -> FactsRecorded:
    """The event that tells a state. Raises pydantic's ValidationError for what no event may carry."""
    return FactsRecorded(
        subject=state.subject,
        dataset=state.register,
        system=state.register,
        source_time=source_time,
        facts=tuple(Fact(name=name, value=value) for name, value in state.facts.items()),
    )


def _record(event: EventBody) -> tuple[KafkaRecord, str]:
    envelope = Envelope.of(event, id=str(new_id()), source=SOURCE, time=utcnow())
    return to_record(envelope), event.order_key
