"""Our records are CloudEvents to the official SDK, and the SDK's records are events to us."""

import json
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka, to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qingdan.envelope import Envelope, from_record, party_source, service_source, to_record
from qingdan.event import EventBody
from qingdan.examples import EXAMPLES, example_envelope
from qingdan.topics import EVENTS, SERVICES, topic_of

Strategies = Callable[[str], st.SearchStrategy[Any]]

# CloudEvents text: no controls, no noncharacters.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]), min_size=1, max_size=60)
INSTANTS = st.datetimes(timezones=st.integers(-720, 840).map(lambda m: timezone(timedelta(minutes=m)))).filter(
    lambda instant: 1 < instant.year < 9999
)
TRACES = st.none() | st.from_regex("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", fullmatch=True)
EVENT_TYPES = st.sampled_from([event.event_type() for event in EVENTS])
BY_TYPE = {event.event_type(): event for event in EVENTS}

many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def read_by_sdk(envelope: Envelope[EventBody]) -> BaseCloudEvent:
    record = to_record(envelope)
    assert len(dict(record.headers)) == len(record.headers)
    return from_kafka(KafkaMessage(dict(record.headers), record.key, record.value or b""), JSONFormat())


def sdk_event(envelope: Envelope[EventBody]) -> CloudEvent:
    attributes = {
        "specversion": "1.0",
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.type,
        "time": envelope.time,
        "subject": envelope.subject,
        "datacontenttype": "application/json",
        "dataschema": envelope.data.schema_urn(),
        "partitionkey": envelope.key,
        "traceparent": envelope.traceparent,
    }
    present = {name: value for name, value in attributes.items() if value is not None}
    return CloudEvent(present, json.loads(envelope.data.model_dump_json()))


def headers_of(message: KafkaMessage) -> list[tuple[str, bytes | None]]:
    return list(message.headers.items())


def key_of(message: KafkaMessage) -> bytes | None:
    return message.key.encode() if isinstance(message.key, str) else message.key


def an_envelope(data: st.DataObject, allowed_data: Strategies) -> Envelope[EventBody]:
    event_type = data.draw(EVENT_TYPES)
    body = BY_TYPE[event_type].model_validate_json(json.dumps(data.draw(allowed_data(event_type))))
    writer = topic_of(body).writers[0]
    return Envelope.of(
        body,
        id=data.draw(TEXT),
        source=service_source(writer) if writer in SERVICES else party_source(writer),
        time=data.draw(INSTANTS),
        traceparent=data.draw(TRACES),
    )


@pytest.mark.parametrize("event", EXAMPLES.values(), ids=lambda event: event.type)
def test_the_sdk_reads_every_event_of_ours(event: EventBody) -> None:
    envelope = example_envelope(event)
    seen = read_by_sdk(envelope)
    assert seen.get_specversion() == "1.0"
    assert (seen.get_id(), seen.get_source(), seen.get_type()) == (envelope.id, envelope.source, event.type)
    assert (seen.get_time(), seen.get_subject()) == (envelope.time, envelope.subject)
    assert seen.get_dataschema() == f"urn:qingdan:schema:{event.type}"
    assert seen.get_datacontenttype() == "application/json"
    assert seen.get_extension("partitionkey") == event.event_key
    assert seen.get_extension("traceparent") == envelope.traceparent
    assert seen.get_data() == json.loads(event.model_dump_json())


@given(data=st.data())
@many
def test_what_we_write_the_sdk_reads_and_we_read_it_back(data: st.DataObject, allowed_data: Strategies) -> None:
    envelope = an_envelope(data, allowed_data)
    assert from_record(*to_record(envelope)) == envelope
    assert read_by_sdk(envelope).get_attributes() == {**sdk_event(envelope).get_attributes()}


@given(data=st.data())
@many
def test_what_the_sdk_writes_in_binary_mode_we_read(data: st.DataObject, allowed_data: Strategies) -> None:
    envelope = an_envelope(data, allowed_data)
    message = to_binary_event(sdk_event(envelope))
    assert from_record(envelope.topic, key_of(message), message.value, headers_of(message)) == envelope


@given(data=st.data())
@many
def test_what_the_sdk_writes_in_structured_mode_we_read(data: st.DataObject, allowed_data: Strategies) -> None:
    envelope = an_envelope(data, allowed_data)
    message = to_structured_event(sdk_event(envelope))
    assert from_record(envelope.topic, key_of(message), message.value, headers_of(message)) == envelope


def test_structured_mode_with_base64_data_is_read() -> None:
    envelope = example_envelope(EXAMPLES["share.claimed.v1"])
    event = sdk_event(envelope)
    message = to_structured_event(CloudEvent(event.get_attributes(), json.dumps(event.get_data()).encode()))
    assert b"data_base64" in message.value
    assert from_record(envelope.topic, key_of(message), message.value, headers_of(message)) == envelope
