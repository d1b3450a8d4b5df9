"""Kafka's users and rules follow from the registry: what it does not say, nobody may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingdan.kafka_access import (
    Operation,
    Principal,
    ResourceKind,
    Rule,
    consumer_group,
    installation_topics,
    principals,
    rules_of,
)
from qingdan.topics import SERVICES, UnknownTopic

PARTIES = ("department:LYJ", "system:pop-registry", "bank:AJRCB", "integrator:big-screen", "auditor:county")
TOPICS = installation_topics(PARTIES)
EVERYBODY = principals(PARTIES)


def of(name: str, operation: Operation) -> set[str]:
    return {
        rule.name
        for rule in rules_of(Principal(name), TOPICS)
        if rule.kind is ResourceKind.TOPIC and rule.operation is operation
    }


def test_an_installation_has_the_topics_of_its_parties_and_their_dead_letters() -> None:
    names = {topic.name for topic in TOPICS}
    assert {"pub.tasks.v1", "pub.tasks.v1.dlt", "in.access.lyj.v1", "in.bank.ajrcb.v1.dlt"} <= names
    assert "to.bank.ajrcb.v1.dlt" not in names  # no service of ours reads it
    assert len(names) == len(TOPICS)


@pytest.mark.parametrize("party", ["tasks", "bank:", "bank:A", "village:abc", "bank:a.b", "bank:abc:def"])
def test_what_is_no_party_is_refused(party: str) -> None:
    with pytest.raises(UnknownTopic):
        installation_topics([party])


def test_a_party_named_twice_is_refused_however_it_is_written() -> None:
    with pytest.raises(UnknownTopic, match="twice"):
        installation_topics(["bank:AJRCB", "bank:ajrcb"])


def test_a_department_writes_its_own_topic_and_reads_nothing() -> None:
    assert rules_of(Principal("department:lyj"), TOPICS) == (
        Rule(ResourceKind.TOPIC, "in.access.lyj.v1", False, Operation.WRITE),
    )


def test_a_bank_reads_what_is_addressed_to_it_and_answers_on_its_own() -> None:
    assert of("bank:ajrcb", Operation.READ) == {"to.bank.ajrcb.v1"}
    assert of("bank:ajrcb", Operation.WRITE) == {"in.bank.ajrcb.v1"}
    assert not rules_of(Principal("bank:other"), TOPICS)


def test_an_integrator_reads_public_topics_only_and_writes_nothing() -> None:
    read = of("integrator:big-screen", Operation.READ)
    assert read
    assert all(name.startswith("pub.") and not name.endswith(".dlt") for name in read)
    assert of("integrator:big-screen", Operation.WRITE) == set()


def test_nobody_reads_personal_topics_but_their_readers() -> None:
    assert [who.name for who in EVERYBODY if "int.records.identities.v1" in of(who.name, Operation.READ)] == ["subsidy"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_parks_in_the_dead_letters_of_what_it_reads_and_reads_none(service: str) -> None:
    read, written = of(service, Operation.READ), of(service, Operation.WRITE)
    assert {f"{name}.dlt" for name in read if not _follows_itself(service, name)} <= written
    assert not [name for name in read if name.endswith(".dlt")]


def _follows_itself(service: str, name: str) -> bool:
    topic = next(topic for topic in TOPICS if topic.name == name)
    return service not in topic.readers


@pytest.mark.parametrize("service", ["tasks", "inspection", "subsidy", "signage"])
def test_a_service_may_be_in_the_groups_in_which_it_consumes(service: str) -> None:
    (allowed,) = [rule for rule in rules_of(Principal(service), TOPICS) if rule.kind is ResourceKind.GROUP]
    assert allowed.prefixed
    assert consumer_group(service, "pub.tasks.v1").startswith(allowed.name)


def test_a_prefix_stands_before_every_topic_and_group() -> None:
    rules = rules_of(Principal("subsidy"), TOPICS, prefix="anji.")
    assert rules
    assert all(rule.name.startswith("anji.") for rule in rules)
    assert consumer_group("subsidy", "pub.tasks.v1", "anji.") == "anji.subsidy.pub.tasks.v1"


@given(st.sampled_from(EVERYBODY), st.sampled_from(EVERYBODY))
def test_no_one_s_groups_are_another_s(one: Principal, other: Principal) -> None:
    """A prefix rule reaches as far as its prefix: `tasks.` must not open `tasks-two.`."""
    for rule in rules_of(one, TOPICS):
        if rule.kind is ResourceKind.GROUP and one != other:
            assert not consumer_group(other.user, "pub.tasks.v1").startswith(rule.name)


def test_user_names_are_names_of_kubernetes_objects() -> None:
    users = [who.user for who in EVERYBODY]
    assert len(set(users)) == len(users)
    assert all(user.replace("-", "").isalnum() and user == user.lower() for user in users)
