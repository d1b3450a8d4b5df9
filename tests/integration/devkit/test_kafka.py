"""The devkit's Kafka is the real thing: topics from the registry only, data and port that outlive kills."""

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from devkit.eventually import eventually
from devkit.kafka import Kafka
from devkit.kafka_topics import delete_topics
from devkit.pytest_plugin import MakeTopics
from qingdan.topics import ALL, ASSESSMENT, TASKS


async def test_the_registrys_topics_exist_under_the_prefix(
    kafka: str, topic_prefix: str, make_topics: MakeTopics
) -> None:
    names = make_topics(topic_prefix)
    dead_letters = [topic.dlt for topic in ALL if topic.consumed]
    assert sorted(names) == sorted(topic_prefix + name for name in (*(topic.name for topic in ALL), *dead_letters))
    described = await _describe(kafka, [topic_prefix + TASKS.name, topic_prefix + ASSESSMENT.name])
    assert [len(topic["partitions"]) for topic in described] == [TASKS.partitions, ASSESSMENT.partitions]


async def test_creating_topics_twice_changes_nothing(kafka: str, topic_prefix: str, make_topics: MakeTopics) -> None:
    first = make_topics(topic_prefix, [TASKS])
    await _send(kafka, first[0], b"kept")
    assert make_topics(topic_prefix, [TASKS]) == first
    assert await _count(kafka, first[0]) == 1


async def test_the_broker_creates_no_topic_by_itself(kafka: str, topic_prefix: str) -> None:
    described = await _describe(kafka, [f"{topic_prefix}never-registered"])
    assert described[0]["error_code"] == 3  # unknown topic


async def test_deleting_needs_a_prefix(kafka: str) -> None:
    with pytest.raises(ValueError, match="empty prefix"):
        await delete_topics(kafka, "")


async def test_what_was_acknowledged_outlives_kill_9_and_restart(make_kafka: Callable[[], Kafka]) -> None:
    broker = make_kafka()
    port = broker.port
    (topic, *_) = await broker.create_topics([ASSESSMENT], partitions=1)
    await _send(broker.bootstrap, topic, b"before the kill")
    broker.kill()
    assert not broker.is_running()
    broker.start()
    assert broker.port == port
    await _send(broker.bootstrap, topic, b"after the kill")
    broker.restart()
    assert await eventually(lambda: _count(broker.bootstrap, topic)) == 2


async def _send(bootstrap: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, partition=0)
    finally:
        await producer.stop()


async def _count(bootstrap: str, topic: str) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        ends: dict[TopicPartition, int] = await consumer.end_offsets([partition])
        return ends[partition]
    finally:
        await consumer.stop()


async def _describe(bootstrap: str, names: list[str]) -> list[dict[str, Any]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described: list[dict[str, Any]] = await admin.describe_topics(names)
        return sorted(described, key=lambda topic: names.index(topic["topic"]))
    finally:
        await admin.close()
