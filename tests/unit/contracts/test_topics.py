"""The registry of topics is consistent, and every event finds its one topic."""

import re
from collections import Counter

import pytest

from qingdan import examples, topics
from qingdan.event import EventBody, Tombstone
from qingdan.topics import ALL, EVENTS, FAMILIES, SERVICES, DataClass, Topic, UnknownTopic, topic_named, topic_of

TEMPLATES = tuple(family.template for family in FAMILIES)
MEMBERS = (topics.in_access("MZJ"), topics.in_records("pop_registry"), topics.in_bank("ABC"), topics.to_bank("ABC"))
CONCRETE = (*ALL, *MEMBERS)
NAME = re.compile(r"(in|pub|int|to)(\.[a-z][a-z0-9-]*)+\.v[1-9][0-9]*")


@pytest.mark.parametrize("topic", CONCRETE, ids=lambda topic: topic.name)
def test_names_follow_the_grammar_and_are_found(topic: Topic) -> None:
    assert NAME.fullmatch(topic.name)
    assert len(topic.dlt) <= 249, "Kafka's limit"
    assert topic_named(topic.name) == topic


@pytest.mark.parametrize("topic", CONCRETE, ids=lambda topic: topic.name)
def test_the_exposure_decides_who_writes_and_what_may_be_carried(topic: Topic) -> None:
    exposure = topic.name.split(".")[0]
    own = set(topic.writers) <= SERVICES
    assert own == (exposure != "in")
    assert (topic.party is not None) == (exposure in {"in", "to"})
    if topic.party is not None:
        outside = topic.writers if exposure == "in" else topic.readers
        assert outside == (topic.party.principal,)
    if exposure == "pub":
        assert topic.data_class is DataClass.PUBLIC
    else:
        assert topic.data_class is not DataClass.PUBLIC
        assert "integrators" not in topic.readers


def test_each_event_type_belongs_to_one_topic() -> None:
    assert Counter(event.event_type() for event in EVENTS).most_common(1)[0][1] == 1
    assert len(EVENTS) == len(set(EVENTS))


def test_every_event_body_that_is_defined_is_in_the_registry() -> None:
    defined = {event for event in EventBody.__subclasses__() if event.__module__.startswith("qingdan.")}
    assert defined == {*EVENTS, Tombstone}  # which is no event, but the end of a state


@pytest.mark.parametrize("topic", CONCRETE, ids=lambda topic: topic.name)
def test_a_consumed_topic_has_dead_letters_of_its_own_class(topic: Topic) -> None:
    if not topic.consumed:
        with pytest.raises(UnknownTopic):
            topics.dead_letters(topic)
        return
    dead = topics.dead_letters(topic)
    assert dead.name == topic.dlt == f"{topic.name}.dlt"
    assert dead.partitions == topic.partitions
    assert not dead.compacted
    assert set(dead.writers) == {reader for reader in topic.readers if reader in SERVICES}
    assert (dead.data_class is DataClass.PERSONAL) == (topic.data_class is DataClass.PERSONAL)
    assert dead.data_class is not DataClass.PUBLIC


def test_only_the_topics_that_nobody_of_ours_reads_lack_dead_letters() -> None:
    assert {topic.name for topic in CONCRETE if not topic.consumed} == {"pub.audit.anchors.v1", "to.bank.abc.v1"}


@pytest.mark.parametrize("topic", CONCRETE, ids=lambda topic: topic.name)
def test_partitions_and_retention_are_stated(topic: Topic) -> None:
    assert topic.partitions in {3, 6, 12}
    assert topic.retention_ms is None or topic.retention_ms >= topics.DAY_MS
    assert not (topic.compacted and topic.retention_ms), "compacted topics keep the last record for ever"


@pytest.mark.parametrize("event", examples.EXAMPLES.values(), ids=lambda event: event.type)
def test_every_event_finds_its_topic(event: EventBody) -> None:
    topic = topic_of(event)
    assert type(event) in topic.events
    assert topic_named(topic.name) == topic
    assert topic.types[event.type] is type(event)


def test_personal_types_never_stand_in_an_event() -> None:
    for event in EVENTS:
        text = str(event.model_json_schema())
        for what in ("citizen identity number", "bank account", "telephone number"):
            assert what not in text, event


@pytest.mark.parametrize(
    "name",
    [
        "pub.tasks.v2",
        "pub.tasks.v1.dlt",
        "in.access..v1",
        "in.access.MZJ.v1",
        "in.access.mzj.v1.dlt",
        "in.access.a.b.v1",
        "in.access.<department>.v1",
        "",
    ],
)
def test_other_names_are_unknown(name: str) -> None:
    with pytest.raises(UnknownTopic):
        topic_named(name)


def test_a_code_that_cannot_stand_in_a_name_is_refused() -> None:
    with pytest.raises(UnknownTopic):
        topics.in_access("M.ZJ")


def test_an_event_outside_the_registry_has_no_topic() -> None:
    class Stray(EventBody):
        KEY = "type"
        type: str = "stray.v1"

    with pytest.raises(UnknownTopic, match="no topic lists Stray"):
        topic_of(Stray())
