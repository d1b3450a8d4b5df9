"""Who may do what in Kafka: the users of an installation and their access rules, all of them out of the registry.

Nothing here is decided twice: a topic's `readers` and `writers` become rules, everything else is refused by Kafka's own
default (`allow.everyone.if.no.acl.found=false`). Rules are of the kinds of Kafka's authorizer (KIP-11, KIP-290).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from qingdan.topics import ALL, DLT_SUFFIX, FAMILIES, SERVICES, Topic, UnknownTopic, dead_letters

INTEGRATORS = "integrators"
AUDITORS = "auditors"
OPERATORS = "operators"
_KIND_OF_GROUP = {INTEGRATORS: "integrator", AUDITORS: "auditor", OPERATORS: "operator"}
_KINDS = frozenset({*_KIND_OF_GROUP.values(), *(family.kind for family in FAMILIES)})


class Operation(StrEnum):
    """What a rule allows; each includes DESCRIBE (Kafka's own implication)."""

    READ = "Read"
    WRITE = "Write"


class ResourceKind(StrEnum):
    TOPIC = "topic"
    GROUP = "group"


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One user may do one thing with one topic, or with every consumer group whose name begins so (`prefixed`)."""

    kind: ResourceKind
    name: str
    prefixed: bool
    operation: Operation


@dataclass(frozen=True, slots=True, order=True)
class Principal:
    """One Kafka user: a service (`tasks`), or an outside party (`bank:abc`, `department:mzj`, `integrator:screen`)."""

    name: str

    @property
    def user(self) -> str:
        """The name to log in with; a colon would not stand in the name of a Kubernetes object."""
        return self.name.replace(":", "-")

    @property
    def kind(self) -> str:
        """`service`, or what stands before the colon."""
        return self.name.partition(":")[0] if ":" in self.name else "service"


def consumer_group(service: str, topic_name: str, prefix: str = "") -> str:
    """The group in which all processes of a service read a topic; one for each, so that they do not halt each other."""
    return f"{prefix}{service}.{topic_name}"


def installation_topics(parties: Iterable[str]) -> tuple[Topic, ...]:
    """Every topic that an installation with these parties has, with the `.dlt` of those that are consumed.

    parties: outside parties as principals (`department:mzj`, `system:pop-registry`, `bank:abc`, `integrator:screen`).
    Raises UnknownTopic for one that is no party, and for one that is named twice.
    """
    wanted = [parse_party(party) for party in parties]
    if len(set(wanted)) != len(wanted):
        raise UnknownTopic("a party is named twice")
    own = [family.topic(slug) for kind, slug in wanted for family in FAMILIES if family.kind == kind]
    topics = (*ALL, *own)
    return (*topics, *(dead_letters(topic) for topic in topics if topic.consumed))


def principals(parties: Iterable[str], services: Iterable[str] = SERVICES) -> tuple[Principal, ...]:
    """Every Kafka user of an installation. Raises UnknownTopic as `installation_topics`."""
    outside = [f"{kind}:{slug}" for kind, slug in map(parse_party, parties)]
    return tuple(Principal(name) for name in (*sorted(services), *sorted(outside)))


def rules_of(principal: Principal, topics: Iterable[Topic], prefix: str = "") -> tuple[Rule, ...]:
    """All that this user may do, in a fixed order; empty for a user whom no topic names.

    prefix: stands before every topic and group of the installation (`KAFKA_TOPIC_PREFIX`).
    """
    names = {principal.name, *(group for group, kind in _KIND_OF_GROUP.items() if kind == principal.kind)}
    rules = set[Rule]()
    for topic in topics:
        follows_itself = topic.owner == principal.name and topic.name.startswith("pub.") and _is_no_dlt(topic)
        if names.intersection(topic.readers) or follows_itself:  # `GET /v1/changes` reads the service's own topic
            rules.add(Rule(ResourceKind.TOPIC, prefix + topic.name, False, Operation.READ))
        if names.intersection(topic.writers):
            rules.add(Rule(ResourceKind.TOPIC, prefix + topic.name, False, Operation.WRITE))
    if any(rule.operation is Operation.READ for rule in rules):
        rules.add(Rule(ResourceKind.GROUP, f"{prefix}{principal.user}.", True, Operation.READ))
    return tuple(sorted(rules))


def _is_no_dlt(topic: Topic) -> bool:
    return not topic.name.endswith(DLT_SUFFIX)


def parse_party(party: str) -> tuple[str, str]:
    """Its kind and its slug, in lower case with `-` for `_`. Raises UnknownTopic for what is no party."""
    kind, colon, code = party.partition(":")
    slug = code.lower().replace("_", "-")
    if not colon or kind not in _KINDS or not re.fullmatch(r"[a-z][a-z0-9-]{1,39}", slug):
        raise UnknownTopic(f"a party is one of {', '.join(sorted(_KINDS))}, a colon and its code, as in `bank:abc`")
    return kind, slug


def is_party_user(user: str) -> bool:
    """Whether a Kafka user's name is that of an outside party, of any installation."""
    return any(user.startswith(f"{kind}-") for kind in _KINDS)
