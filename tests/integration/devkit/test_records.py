"""The data hub, played on a real Kafka: facts by subject, identities sealed to `subsidy`, corrections, tombstones."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from devkit.eventually import eventually_sync
from devkit.keys import Keys
from devkit.pytest_plugin import MakeTopics
from devkit.records.county import people_of_anji
from devkit.records.identities import CANARIES
from devkit.records.people import Population, State
from devkit.records.player import DataHub, NotDelivered
from qingdan.envelope import Envelope, EventBody, from_record
from qingdan.event import Tombstone
from qingdan.records_events import FactsRecorded, Identity, IdentityRecorded
from qingdan.topics import RECORDS_FACTS, RECORDS_IDENTITIES, Topic
from runtime.kafka_settings import KafkaConnection
from runtime.sealing import PrivateKeys, unseal, unwrap

PARTITIONS = 4


class Read(NamedTuple):
    partition: int
    event: Envelope[EventBody]
    value: bytes


@pytest.fixture(scope="module")
def people() -> Population:
    return people_of_anji(4_000)


@pytest.fixture
def hub(kafka: str, keys: Keys, topic_prefix: str, make_topics: MakeTopics) -> DataHub:
    make_topics(topic_prefix, (RECORDS_FACTS, RECORDS_IDENTITIES), partitions=PARTITIONS)
    return DataHub(KafkaConnection(bootstrap_servers=kafka, topic_prefix=topic_prefix), keys.subsidy)


def ends_of(consumer: Consumer, places: Sequence[TopicPartition]) -> dict[int, int]:
    """How far each partition goes. Raises AssertionError while a new topic's partition has no leader yet."""
    try:
        return {place.partition: consumer.get_watermark_offsets(place, timeout=10)[1] for place in places}
    except KafkaException as error:
        raise AssertionError(error.args[0].str()) from error


def read(kafka: str, topic_prefix: str, topic: Topic) -> Iterator[Read]:
    """All records that the topic holds now."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"{topic_prefix}reader", "enable.auto.commit": False})
    with contextlib.closing(consumer):
        places = [TopicPartition(topic_prefix + topic.name, number, 0) for number in range(PARTITIONS)]
        left = eventually_sync(lambda: ends_of(consumer, places), what="every partition has a leader")
        consumer.assign(places)
        while any(left.values()):
            for message in consumer.consume(5_000, 0.2):
                assert message.error() is None
                partition = cast(int, message.partition())
                headers = cast("list[tuple[str, bytes | None]]", message.headers())
                left[partition] -= 1
                event = from_record(topic.name, message.key(), message.value(), headers)
                yield Read(partition, event, message.value() or b"")


def test_everything_arrives_and_a_subject_is_in_one_partition(
    hub: DataHub, people: Population, kafka: str, topic_prefix: str
) -> None:
    heard: list[tuple[int, int]] = []
    sent = hub.play(people, lambda done, of: heard.append((done, of)))
    facts = list(read(kafka, topic_prefix, RECORDS_FACTS))
    assert (sent.facts, sent.identities) == (len(facts), 4_000)
    assert len(facts) == len(people.states) + len(people.county)
    assert heard[-1] == (sent.records, sent.records)
    partitions = defaultdict(set)
    for record in facts:
        assert isinstance(record.event.data, FactsRecorded)
        partitions[record.event.data.subject].add(record.partition)
    assert all(len(those) == 1 for those in partitions.values())
    assert set().union(*partitions.values()) == set(range(PARTITIONS))


def test_what_is_said_later_of_the_county_comes_later(
    hub: DataHub, people: Population, kafka: str, topic_prefix: str
) -> None:
    hub.play(people)
    county = [
        record.event.data
        for record in read(kafka, topic_prefix, RECORDS_FACTS)
        if isinstance(record.event.data, FactsRecorded) and record.event.data.subject.startswith("c:")
    ]
    times = [said.source_time for said in county]
    assert times == sorted(set(times))
    assert [said.dataset for said in county] == [state.register for state in people.county]


def test_identities_open_with_the_key_of_subsidy_and_are_nowhere_in_the_clear(
    hub: DataHub, people: Population, keys: Keys, kafka: str, topic_prefix: str
) -> None:
    hub.play(people)
    papers = {person.id: person.papers for person in people.people}
    records = list(read(kafka, topic_prefix, RECORDS_IDENTITIES))
    assert len({record.event.key for record in records}) == len(papers)
    for record in records[:200]:
        opened = _open(record.event.data, keys)
        assert opened.resident_id == papers[opened.person].resident_id
        assert opened.account == papers[opened.person].account
    everything = [*records, *read(kafka, topic_prefix, RECORDS_FACTS)]
    assert not any(text.encode() in record.value for record in everything for text in CANARIES)


def test_whoever_had_a_closed_account_names_another(
    hub: DataHub, people: Population, keys: Keys, kafka: str, topic_prefix: str
) -> None:
    closed = people.with_closed_accounts()
    hub.name_new_accounts(closed)
    opened = [_open(record.event.data, keys) for record in read(kafka, topic_prefix, RECORDS_IDENTITIES)]
    assert {each.person: each.account for each in opened} == {
        person.id: person.papers.account_later for person in closed
    }


def test_a_row_can_change_and_go(hub: DataHub, people: Population, kafka: str, topic_prefix: str) -> None:
    subject = people.people[1].subject
    hub.record([State(subject, "elderly_service", {"care_dependency": "full"})], datetime(2026, 1, 5, tzinfo=UTC))
    hub.withdraw(subject, "elderly_service")
    first, gone = read(kafka, topic_prefix, RECORDS_FACTS)
    assert isinstance(first.event.data, FactsRecorded)
    assert isinstance(gone.event.data, Tombstone)
    assert (first.partition, first.event.key) == (gone.partition, gone.event.key)


def test_what_the_broker_does_not_take_is_said(keys: Keys, kafka: str, topic_prefix: str) -> None:
    hub = DataHub(KafkaConnection(bootstrap_servers=kafka, topic_prefix=topic_prefix), keys.subsidy)
    with pytest.raises(NotDelivered, match="UNKNOWN_TOPIC"):
        hub.withdraw("p:018f0000-0000-7000-8000-000000000001", "disability")


def _open(event: EventBody, keys: Keys) -> Identity:
    assert isinstance(event, IdentityRecorded)
    key = unwrap(event.keys[0], PrivateKeys.read(keys.subsidy_private), event.sealed.cipher)
    return unseal(key, event.sealed, Identity, event_type=event.event_type(), event_key=event.event_key)
