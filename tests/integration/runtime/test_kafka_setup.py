"""Topics, users and rules in a real Kafka with its authorizer: what the registry grants, and nothing else."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)
from pydantic import SecretStr

from devkit.eventually import eventually
from devkit.kafka import Kafka
from devkit.pytest_plugin import MakeKafka
from qingdan.kafka_access import Principal, ResourceKind, installation_topics, principals, rules_of
from qingdan.topics import TASKS
from runtime.kafka_settings import KafkaConnection
from runtime.kafka_setup import SetupRefused, SetupSettings, set_up

PARTIES = ("department:lyj", "bank:ajrcb", "integrator:big-screen")
TOPICS = installation_topics(PARTIES)
USERS = principals(PARTIES)


@pytest.fixture
def broker(make_kafka: MakeKafka) -> Kafka:
    return make_kafka(guarded=True)


@pytest.fixture
def set_up_at(broker: Kafka, tmp_path: Path) -> Callable[..., list[str]]:
    """Run the setup with a password for every user, or with other parties."""
    for user in USERS:
        (tmp_path / user.user).write_text(f"of-{user.user}\n")

    def run(parties: tuple[str, ...] = PARTIES) -> list[str]:
        settings = {"kafka_bootstrap_servers": broker.bootstrap, "kafka_replication": 1}
        return set_up(SetupSettings(**settings, kafka_parties=parties, kafka_users_directory=tmp_path))  # type: ignore[arg-type]

    return run


def client_of(broker: Kafka, user: str, password: str | None = None) -> dict[str, Any]:
    connection = KafkaConnection(
        bootstrap_servers=broker.guarded_bootstrap,
        security_protocol="SASL_PLAINTEXT",
        username=user,
        password=SecretStr(password or f"of-{user}"),
    )
    return connection.for_librdkafka() | {"log_level": 0}


def allowed(broker: Kafka, user: Principal) -> dict[str, set[str]]:
    """What Kafka itself says that this user may do with each topic that it may see at all."""
    admin = AdminClient(client_of(broker, user.user))
    names = [topic.name for topic in TOPICS]
    answers = admin.describe_topics(TopicCollection(names), include_authorized_operations=True, request_timeout=30)
    found = {}
    for name, answer in answers.items():
        error = answer.exception(timeout=30)
        if error is None:
            found[name] = {operation.name for operation in answer.result().authorized_operations or ()}
        else:
            assert error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED, (user, name, error)
            found[name] = set()
    return found


def produce(broker: Kafka, user: str, topic: str) -> KafkaError | None:
    said: list[KafkaError | None] = []
    producer = Producer(client_of(broker, user) | {"enable.idempotence": True, "acks": "all"})
    producer.produce(topic, value=b"{}", on_delivery=lambda error, _: said.append(error))
    assert producer.flush(30) == 0
    return said[0]


def consume(broker: Kafka, user: str, topic: str, group: str) -> KafkaError | bytes:
    consumer = Consumer(client_of(broker, user) | {"group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        while True:
            message = consumer.poll(30)
            assert message is not None, "neither a record nor a refusal within 30 s"
            return message.error() or message.value() or b""
    finally:
        consumer.close()


async def test_every_user_may_do_exactly_what_the_registry_says(
    broker: Kafka, set_up_at: Callable[..., list[str]]
) -> None:
    await asyncio.to_thread(set_up_at)
    for user in USERS:
        found = await asyncio.to_thread(allowed, broker, user)
        rules = [rule for rule in rules_of(user, TOPICS) if rule.kind is ResourceKind.TOPIC]
        for topic in TOPICS:
            operations = {rule.operation for rule in rules if rule.name == topic.name}
            expected = {operation.name for operation in operations} | ({"DESCRIBE"} if operations else set())
            assert found[topic.name] == expected, (user.name, topic.name)


async def test_what_is_granted_works_and_what_is_not_is_refused(
    broker: Kafka, set_up_at: Callable[..., list[str]]
) -> None:
    await asyncio.to_thread(set_up_at)

    def look() -> None:
        assert produce(broker, "tasks", "pub.tasks.v1") is None
        refused = produce(broker, "inspection", "pub.tasks.v1")
        assert refused is not None
        assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
        assert consume(broker, "integrator-big-screen", "pub.tasks.v1", "integrator-big-screen.a") == b"{}"
        foreign_group = consume(broker, "integrator-big-screen", "pub.tasks.v1", "tasks.pub.tasks.v1")
        assert isinstance(foreign_group, KafkaError)
        assert foreign_group.code() == KafkaError.GROUP_AUTHORIZATION_FAILED
        personal = consume(broker, "integrator-big-screen", "int.records.facts.v1", "integrator-big-screen.b")
        assert isinstance(personal, KafkaError)
        assert personal.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED

    await asyncio.to_thread(look)


async def test_a_wrong_password_does_not_get_in(broker: Kafka, set_up_at: Callable[..., list[str]]) -> None:
    await asyncio.to_thread(set_up_at)
    admin = AdminClient(client_of(broker, "tasks", "wrong"))
    with pytest.raises(KafkaException):
        await asyncio.to_thread(admin.list_topics, timeout=5)


async def test_a_second_time_changes_nothing_but_salts(broker: Kafka, set_up_at: Callable[..., list[str]]) -> None:
    first = await asyncio.to_thread(set_up_at)
    assert {line.split()[0] for line in first} == {"topic", "user", "rule"}
    second = await asyncio.to_thread(set_up_at)
    assert sorted(second) == sorted(f"user {user.user}: password set" for user in USERS)


async def test_who_is_a_party_no_more_keeps_no_right(broker: Kafka, set_up_at: Callable[..., list[str]]) -> None:
    """The rules of services follow the parties too: nobody reads a bank that is gone."""
    await asyncio.to_thread(set_up_at)
    said = await asyncio.to_thread(set_up_at, ("department:lyj", "integrator:big-screen"))
    removed = {line for line in said if line.startswith("rule removed")}
    assert any("User:subsidy" in line and "to.bank.ajrcb.v1" in line for line in removed)
    assert any("User:bank-ajrcb" in line for line in removed)


async def test_what_drifted_is_corrected_and_partitions_never(
    broker: Kafka, set_up_at: Callable[..., list[str]]
) -> None:
    await asyncio.to_thread(set_up_at)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    one_second = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    drifted = ConfigResource(ResourceType.TOPIC, TASKS.name, incremental_configs=[one_second])

    def drift() -> None:
        for answer in admin.incremental_alter_configs([drifted]).values():
            answer.result(30)

    await asyncio.to_thread(drift)
    correction = f"topic {TASKS.name}: retention.ms is {TASKS.retention_ms} now"
    await eventually(lambda: correction in set_up_at(), timeout_s=20.0, what="the drift is seen and corrected")

    def widen() -> None:
        for answer in admin.create_partitions([NewPartitions(TASKS.name, TASKS.partitions + 1)]).values():
            answer.result(30)

    await asyncio.to_thread(widen)

    def refused() -> bool:
        try:
            set_up_at()
        except SetupRefused as refusal:
            return f"{TASKS.name} has {TASKS.partitions + 1} partitions" in str(refusal)
        return False

    await eventually(refused, timeout_s=20.0, what="another number of partitions is refused")
