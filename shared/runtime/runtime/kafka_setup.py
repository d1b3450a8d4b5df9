"""`python -m runtime.kafka_setup`: make Kafka's topics, users and rules what the registry says, and nothing else.

For installations without an operator that does so (Strimzi). Safe to repeat: what is as it should be is left alone, a
topic is never deleted, and its number of partitions never changed, because keys would change their partition and lose
their order. Rules of users whom the registry does not name are not ours and stay.
"""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import Future
from pathlib import Path
from typing import Annotated, Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)
from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from qingdan.kafka_access import (
    Principal,
    ResourceKind,
    Rule,
    installation_topics,
    is_party_user,
    principals,
    rules_of,
)
from qingdan.topics import DLT_SUFFIX, Topic, UnknownTopic, topic_named
from runtime.settings import KafkaSettings

ANSWER_S: Final = 30.0
ITERATIONS: Final = 8192
"""Of SCRAM-SHA-512; 4096 is the least that RFC 5802 allows."""


class SetupSettings(KafkaSettings):
    """What is set up, and as which administrator."""

    kafka_parties: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="outside parties, separated by commas: department:mzj, system:…, bank:abc, integrator:screen"
    )
    kafka_replication: int = Field(3, ge=1, le=9, description="copies of each partition")
    kafka_users_directory: Path | None = Field(
        None, description="a file for each user, with the password; without it users are left to somebody else"
    )

    @field_validator("kafka_parties", mode="before")
    @classmethod
    def _split(cls, parties: object) -> object:
        return tuple(p.strip() for p in parties.split(",") if p.strip()) if isinstance(parties, str) else parties


class SetupRefused(Exception):
    """Kafka differs from the registry in a way that must not be changed by itself; the message says what to do."""


def set_up(settings: SetupSettings) -> list[str]:
    """Bring Kafka to what the registry says, and tell what was changed, a line each; nothing when all was right.

    Raises SetupRefused, UnknownTopic for a party that is none, KafkaException when Kafka does not answer or refuse us.
    """
    admin = AdminClient(settings.kafka.for_librdkafka() | {"log_level": 0})
    topics = installation_topics(settings.kafka_parties)
    users = principals(settings.kafka_parties)
    prefix = settings.kafka_topic_prefix
    done = make_topics(admin, topics, replication=settings.kafka_replication, prefix=prefix)
    if settings.kafka_users_directory is not None:
        done += make_users(admin, users, settings.kafka_users_directory)
    return done + make_rules(admin, {user: rules_of(user, topics, prefix) for user in users}, prefix)


def make_topics(admin: AdminClient, topics: Iterable[Topic], *, replication: int, prefix: str = "") -> list[str]:
    """Create what is missing and correct retention and compaction. Raises SetupRefused, KafkaException."""
    wanted = {prefix + topic.name: topic for topic in topics}
    there = admin.list_topics(timeout=ANSWER_S).topics
    missing = [
        NewTopic(name, topic.partitions, replication, config=topic_settings(topic, replication))
        for name, topic in wanted.items()
        if name not in there
    ]
    if missing:
        _wait(admin.create_topics(missing, request_timeout=ANSWER_S))
    for name, topic in wanted.items():
        if name in there and len(there[name].partitions) != topic.partitions:
            raise SetupRefused(
                f"{name} has {len(there[name].partitions)} partitions, the registry says {topic.partitions}: a change "
                "would put keys into other partitions. Move to a topic of the next version (docs/operators.md)"
            )
    present = {name: topic_settings(topic, replication) for name, topic in wanted.items() if name in there}
    return [f"topic {new.topic} created" for new in missing] + _correct_settings(admin, present)


def topic_settings(topic: Topic, replication: int) -> dict[str, str]:
    """Kafka's settings of a topic: what the registry says, and that a write is on two brokers where there are three."""
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(-1 if topic.retention_ms is None else topic.retention_ms),
        "min.insync.replicas": "2" if replication > 2 else "1",
    }


def _correct_settings(admin: AdminClient, present: Mapping[str, Mapping[str, str]]) -> list[str]:
    if not present:
        return []
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in present]
    found = {asked.name: answer.result() for asked, answer in admin.describe_configs(resources).items()}
    changes, said = [], []
    for name, wanted in present.items():
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in wanted.items()
            if found[name][key].value != value
        ]
        if entries:
            changes.append(ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries))
            said += [f"topic {name}: {each.name} is {each.value} now" for each in entries]
    if changes:
        _wait(admin.incremental_alter_configs(changes))
    return said


def make_users(admin: AdminClient, users: Sequence[Principal], directory: Path) -> list[str]:
    """Set the password of every user whose file there is. Raises SetupRefused for an empty one, KafkaException.

    Kafka keeps no password, so whether one has changed cannot be seen: each is set again, with a new salt.
    """
    changes: list[UserScramCredentialAlteration] = []
    for user in users:
        file = directory / user.user
        if not file.exists():
            continue
        password = file.read_text(encoding="utf-8").strip()
        if not password:
            raise SetupRefused(f"the password of {user.user} is empty")
        how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
        changes.append(UserScramCredentialUpsertion(user.user, how, password.encode()))
    if changes:
        _wait(admin.alter_user_scram_credentials(changes))
    return [f"user {each.user}: password set" for each in changes]


def make_rules(admin: AdminClient, wanted: Mapping[Principal, Sequence[Rule]], prefix: str = "") -> list[str]:
    """Give these users exactly these rules: what is missing is added first, then what is too much is taken away.

    Raises KafkaException, TimeoutError when Kafka does not show them as they were made.
    """
    ours = {f"User:{user.user}" for user in wanted}
    there = _rules_there(admin, ours, prefix)
    right = {_words(acl): acl for user, rules in wanted.items() for acl in (_binding(user, rule) for rule in rules)}
    added, removed = sorted(right.keys() - there.keys()), sorted(there.keys() - right.keys())
    if added:
        _wait(admin.create_acls([right[words] for words in added]))
    if removed:
        _wait(admin.delete_acls([_exactly(there[words]) for words in removed]))
    deadline = time.monotonic() + ANSWER_S
    while _rules_there(admin, ours, prefix).keys() != right.keys():  # the controller knows; brokers hear a moment later
        if time.monotonic() > deadline:
            raise TimeoutError(f"Kafka did not show the rules within {ANSWER_S:g} s")
        time.sleep(0.05)
    return [f"rule added: {' '.join(words)}" for words in added] + [
        f"rule removed: {' '.join(words)}" for words in removed
    ]


def _rules_there(admin: AdminClient, ours: Set[str], prefix: str) -> dict[tuple[str, ...], AclBinding]:
    any_name: Any = None  # which its stubs do not know
    any_resource, any_pattern = ResourceType.ANY, ResourcePatternType.ANY
    any_operation, any_permission = AclOperation.ANY, AclPermissionType.ANY
    everything = AclBindingFilter(
        any_resource, any_name, any_pattern, any_name, any_name, any_operation, any_permission
    )
    found = admin.describe_acls(everything).result(timeout=ANSWER_S)
    return {_words(acl): acl for acl in found if acl.principal in ours or _is_on_ours(acl, prefix)}


def _is_on_ours(acl: AclBinding, prefix: str) -> bool:
    """Whether a rule, whoever's it is, opens a topic of the registry or a party's consumer groups."""
    if not acl.name.startswith(prefix):
        return False
    name = acl.name.removeprefix(prefix)
    if acl.restype is ResourceType.TOPIC:
        try:
            topic_named(name.removesuffix(DLT_SUFFIX))
        except UnknownTopic:
            return False
        return True
    return (
        acl.restype is ResourceType.GROUP
        and acl.principal == f"User:{name.removesuffix('.')}"
        and is_party_user(name[:-1])
    )


def _binding(user: Principal, rule: Rule) -> AclBinding:
    return AclBinding(
        ResourceType.TOPIC if rule.kind is ResourceKind.TOPIC else ResourceType.GROUP,
        rule.name,
        ResourcePatternType.PREFIXED if rule.prefixed else ResourcePatternType.LITERAL,
        f"User:{user.user}",
        "*",
        AclOperation[rule.operation.name],
        AclPermissionType.ALLOW,
    )


def _exactly(acl: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        acl.restype, acl.name, acl.resource_pattern_type, acl.principal, acl.host, acl.operation, acl.permission_type
    )


def _words(acl: AclBinding) -> tuple[str, ...]:
    return (
        acl.principal,
        AclPermissionType(acl.permission_type).name,
        AclOperation(acl.operation).name,
        ResourceType(acl.restype).name,
        ResourcePatternType(acl.resource_pattern_type).name,
        acl.name,
        acl.host,
    )


def _wait(answers: Mapping[Any, "Future[Any]"]) -> None:
    for answer in answers.values():
        answer.result(timeout=ANSWER_S)


def main() -> int:
    """Print what was changed; 1 when it is refused or Kafka does not answer."""
    try:
        done = set_up(SetupSettings())
    except (SetupRefused, UnknownTopic, KafkaException, TimeoutError) as error:
        print(f"kafka setup: {error or type(error).__name__}", file=sys.stderr)  # noqa: T201 - a command's answer
        return 1
    for line in done:
        print(line)  # noqa: T201
    print(f"Kafka is as the registry says; {len(done)} changes")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
