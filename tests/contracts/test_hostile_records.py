"""Whatever a record holds, reading it gives an envelope or one of two refusals, which never repeat what it held."""

import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qingdan import topics
from qingdan.envelope import KafkaRecord, MalformedMessage, UnknownEventType, from_record, to_record
from qingdan.examples import EXAMPLES, example_envelope
from qingdan.topics import EVENTS

Strategies = Callable[[str], st.SearchStrategy[Any]]

CANARY = "zhangsan-canary-11010519491231002X"
RECORDS = [to_record(example_envelope(event)) for event in EXAMPLES.values()]
TOPICS = [*(topic.name for topic in topics.ALL), "in.access.slj.v1", "in.bank.abc.v1", "pub.tasks.v1.dlt", "", "x\x00"]

NAMES = st.sampled_from([name for name, _ in RECORDS[0].headers] + ["ce_tracestate", "CE_ID", "ce_", ""]) | st.text()
RAW = (
    st.none()
    | st.binary(max_size=2000)
    | st.text(max_size=50).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.sampled_from([b"1.0", b"share.claimed.v1", b"application/json", b"application/cloudevents+json", b"\xff\xfe"])
    | st.just(b"x" * 100_000)
)
HEADERS = st.lists(st.tuples(NAMES, RAW), max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
JUNK = st.sampled_from(
    [
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"9" * 10_000,
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\\u0000"',
        b"[" * 5_000 + b"]" * 5_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"type":1,"type":2}',
        b"\xef\xbb\xbf{}",
        b"",
    ]
)

many = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def verdict(topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]) -> str:
    """`read`, `unknown` or the reason. Any other exception fails the test."""
    try:
        from_record(topic, key, value, headers)
    except MalformedMessage as malformed:
        return malformed.reason
    except UnknownEventType:
        return "unknown"
    return "read"


def spoilt(draw: st.DrawFn, data: Any) -> bytes:
    """The data with the value at one random place replaced by junk, as bytes."""
    place: Any = data
    while isinstance(place, dict) and place:
        name = draw(st.sampled_from(sorted(place)))
        if not isinstance(place[name], dict) or draw(st.booleans()):
            place[name] = "@@"
            break
        place = place[name]
    junk = draw(JUNK | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
    return json.dumps(data).encode().replace(b'"@@"', junk, 1)


@st.composite
def spoilt_records(draw: st.DrawFn) -> KafkaRecord:
    record = draw(st.sampled_from(RECORDS))
    return record._replace(value=spoilt(draw, json.loads(record.value or b"")))


@given(st.sampled_from(TOPICS), st.none() | st.binary(), st.none() | st.binary() | JUNK, HEADERS)
@many
def test_random_records_are_refused_and_nothing_else(
    topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    assert verdict(topic, key, value, headers) != "read"


@given(st.sampled_from(RECORDS), HEADERS)
@many
def test_random_headers_on_a_good_record(record: KafkaRecord, noise: list[tuple[str, bytes | None]]) -> None:
    assert verdict(*record[:3], [*record.headers, *noise])
    assert verdict(*record[:3], [*noise, *record.headers])
    replaced = dict(noise)
    assert verdict(*record[:3], [(name, replaced.get(name, raw)) for name, raw in record.headers])


@given(spoilt_records())
@many
def test_junk_at_one_place_of_the_data(record: KafkaRecord) -> None:
    assert verdict(*record[:3], list(record.headers))


@given(spoilt_records())
@many
def test_junk_at_one_place_of_a_structured_event(record: KafkaRecord) -> None:
    attributes = {name.removeprefix("ce_"): raw.decode() for name, raw in record.headers if name.startswith("ce_")}
    value = json.dumps(attributes)[:-1].encode() + b',"data":' + (record.value or b"") + b"}"
    assert verdict(*record[:2], value, [("content-type", b"application/cloudevents+json")])


@given(st.data())
@many
def test_junk_among_the_attributes_of_a_structured_event(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(RECORDS))
    attributes = {name.removeprefix("ce_"): raw.decode() for name, raw in record.headers if name.startswith("ce_")}
    body = data.draw(st.composite(spoilt)(attributes | {"data": json.loads(record.value or b"")}))
    assert verdict(*record[:2], body, [("content-type", b"application/cloudevents+json")])


@given(data=st.data())
@many
def test_the_reader_accepts_whatever_the_published_schema_allows(data: st.DataObject, allowed_data: Strategies) -> None:
    kind = data.draw(st.sampled_from(EVENTS))
    body = data.draw(allowed_data(kind.event_type()))
    record = to_record(example_envelope(kind.model_validate_json(json.dumps(body), strict=True)))
    assert json.loads(record.value or b"").keys() == body.keys()
    assert verdict(*record[:3], list(record.headers)) == "read"


def poisoned(record: KafkaRecord) -> list[KafkaRecord]:
    """The record with the canary in each place in turn: key, headers, data, names of data."""
    canary = CANARY.encode()
    data = json.loads(record.value or b"")
    values = [json.dumps(data | {name: CANARY}).encode() for name in data]
    values += [json.dumps(data | {name: {CANARY: CANARY}}).encode() for name in data]
    values += [json.dumps(data | {name: [CANARY]}).encode() for name in data]
    values += [canary, b'"' + canary + b'"', b"{" + canary, json.dumps({CANARY: data}).encode(), canary + b"\xff"]
    headers = [
        [(name, canary + tail if name == spoilt_name else raw) for name, raw in record.headers]
        for spoilt_name, _ in record.headers
        for tail in (b"", b"\x00", b"\xff", b"x" * 2000)
    ]
    return [
        record._replace(key=canary),
        *(record._replace(value=value) for value in values),
        *(record._replace(headers=each) for each in headers),
    ]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: dict(record.headers)["ce_type"].decode())
@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_no_refusal_repeats_what_the_message_held(record: KafkaRecord, mode: str) -> None:
    refusals: list[Exception] = []
    for bad in poisoned(record):
        value, headers = bad.value, bad.headers
        if mode == "structured":
            attributes = {name.removeprefix("ce_"): raw.decode("latin-1") for name, raw in headers}
            value = json.dumps(attributes)[:-1].encode() + b',"data":' + (value or b"") + b"}"
            headers = [("content-type", b"application/cloudevents+json")]
        try:
            from_record(bad.topic, bad.key, value, headers)
        except (MalformedMessage, UnknownEventType) as caught:
            refusals.append(caught)
    assert len(refusals) > len(json.loads(record.value or b""))
    for refusal in refusals:
        shown = "".join(traceback.format_exception(refusal)) + repr(refusal) + repr(vars(refusal))
        assert CANARY not in shown
        # Nor does an exception that it came from, which a debugger or an error collector would show.
        assert refusal.__context__ is None
