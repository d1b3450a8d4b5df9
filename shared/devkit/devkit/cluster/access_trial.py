"""What Kafka lets each user do, asked of Kafka itself from inside the cluster, and held against the registry."""

import json
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import KafkaError, TopicCollection
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from qingdan.kafka_access import Principal, ResourceKind, installation_topics, principals, rules_of
from runtime.kafka_settings import KafkaConnection

ANSWER_S = 30.0


def main(users: Path, parties: tuple[str, ...], connection: KafkaConnection) -> int:
    """Prints one line of JSON; 1 when any user may do more or less than the registry says, or anybody comes in."""
    asked, wrong = 0, []
    for user in principals(parties):
        password = (users / user.user).read_text(encoding="utf-8").strip()
        for fault in differences(user, password, parties, connection):
            wrong.append(fault)
        asked += len(installation_topics(parties))
    stranger = _admin(connection, "integrator-stranger", "guessed")
    came_in = _comes_in(stranger)
    print(json.dumps({"asked": asked, "wrong": wrong, "strangers_let_in": int(came_in)}), flush=True)
    return 1 if wrong or came_in else 0


def differences(user: Principal, password: str, parties: tuple[str, ...], to: KafkaConnection) -> Iterator[str]:
    """A line for each topic with which the user may do something else than the registry says."""
    topics = installation_topics(parties)
    rules = [rule for rule in rules_of(user, topics) if rule.kind is ResourceKind.TOPIC]
    answers = _admin(to, user.user, password).describe_topics(
        TopicCollection([topic.name for topic in topics]), include_authorized_operations=True, request_timeout=ANSWER_S
    )
    for name, answer in answers.items():
        operations = {rule.operation.name for rule in rules if rule.name == name}
        granted = operations | ({"DESCRIBE"} if operations else set())
        error = answer.exception(timeout=ANSWER_S)
        if error is not None and error.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
            yield f"{user.name} on {name}: {error.args[0].name()}"
            continue
        allowed = set() if error else {each.name for each in answer.result().authorized_operations or ()}
        if allowed != granted:
            yield f"{user.name} on {name}: may {sorted(allowed)}, should {sorted(granted)}"


def _admin(to: KafkaConnection, user: str, password: str) -> AdminClient:
    known = to.model_copy(update={"username": user, "password": SecretStr(password)})
    return AdminClient(known.for_librdkafka() | {"log_level": 0})


def _comes_in(admin: AdminClient) -> bool:
    from confluent_kafka import KafkaException  # noqa: PLC0415

    try:
        admin.list_topics(timeout=5.0)
    except KafkaException:
        return False
    return True
