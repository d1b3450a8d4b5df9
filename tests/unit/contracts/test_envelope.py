"""Records become envelopes, or one of two refusals that say why."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from qingdan import topics
from qingdan.envelope import (
    VALUE_BYTES_MAX,
    Envelope,
    KafkaRecord,
    MalformedMessage,
    UnknownEventType,
    encode,
    from_record,
    to_record,
    tombstone_record,
)
from qingdan.event import EventBody, Tombstone
from qingdan.examples import EXAMPLES, example_envelope
from qingdan.topics import RECORDS_FACTS, TASKS

CLAIMED = example_envelope(EXAMPLES["share.claimed.v1"])
RECORD = to_record(CLAIMED)
APPLIED = to_record(example_envelope(EXAMPLES["access.applied.v1"]))


def with_headers(record: KafkaRecord = RECORD, /, **changed: bytes | None) -> list[tuple[str, bytes | None]]:
    """The record's headers with some replaced (`ce_id=b"1"`, `content_type=...`)."""
    replaced = {name.replace("content_type", "content-type"): raw for name, raw in changed.items()}
    return [(name, raw) for name, raw in record.headers if name not in replaced] + list(replaced.items())


def without_header(name: str) -> list[tuple[str, bytes]]:
    return [header for header in RECORD.headers if header[0] != name]


def with_data(**changed: object) -> bytes:
    return json.dumps(json.loads(RECORD.value or b"") | changed).encode()


def structured(**changed: object) -> bytes:
    attributes = {
        "specversion": "1.0",
        "id": CLAIMED.id,
        "source": CLAIMED.source,
        "type": CLAIMED.type,
        "time": "2021-08-11T09:30:00+08:00",
        "subject": CLAIMED.subject,
        "traceparent": CLAIMED.traceparent,
        "data": json.loads(RECORD.value or b""),
    }
    document = {name: value for name, value in (attributes | changed).items() if value is not ...}
    return json.dumps(document).encode()


STRUCTURED_HEADERS = [("content-type", b"application/cloudevents+json; charset=utf-8")]


@pytest.mark.parametrize("event", EXAMPLES.values(), ids=lambda event: event.type)
def test_every_event_comes_back_as_it_went(event: EventBody) -> None:
    envelope = example_envelope(event)
    record = to_record(envelope)
    assert from_record(*record) == envelope
    assert encode(envelope) == (record.headers, record.value)
    assert (record.key or b"").decode() == event.event_key


def test_structured_mode_gives_the_same_envelope() -> None:
    assert from_record(RECORD.topic, RECORD.key, structured(), STRUCTURED_HEADERS) == CLAIMED


@pytest.mark.parametrize(
    "time",
    [b"2021-08-11T01:30:00Z", b"2021-08-11T09:30:00+08:00", b"2021-08-11t01:30:00.000000000z"],
    ids=lambda time: time.decode(),
)
def test_times_of_any_zone_and_precision_are_the_same_instant(time: bytes) -> None:
    envelope = from_record(RECORD.topic, RECORD.key, RECORD.value, with_headers(ce_time=time))
    assert envelope.time == CLAIMED.time
    assert envelope.time.tzinfo is UTC


def test_a_time_goes_out_in_utc_with_a_z() -> None:
    beijing = datetime(2021, 8, 11, 9, 30, tzinfo=timezone(timedelta(hours=8)))
    headers, _ = encode(Envelope.of(CLAIMED.data, id="1", source="urn:x", time=beijing))
    assert dict(headers)["ce_time"] == b"2021-08-11T01:30:00Z"


@pytest.mark.parametrize(
    "content_type", [b"application/json; charset=utf-8", b"application/vnd.county+json", b"APPLICATION/JSON"]
)
def test_json_by_other_names_is_json(content_type: bytes) -> None:
    assert from_record(RECORD.topic, RECORD.key, RECORD.value, with_headers(content_type=content_type)) == CLAIMED


def test_what_we_do_not_read_may_be_anything() -> None:
    noise: list[tuple[str, bytes | None]] = [("ce_other", None), ("x", b"\xff"), ("x", b""), ("", b"\x00" * 5000)]
    assert from_record(RECORD.topic, RECORD.key, RECORD.value, [*noise, *RECORD.headers]) == CLAIMED


def test_optional_headers_may_be_missing() -> None:
    wanted = {"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"}
    bare = from_record(RECORD.topic, None, RECORD.value, [h for h in RECORD.headers if h[0] in wanted])
    assert bare == Envelope(
        CLAIMED.id, CLAIMED.source, CLAIMED.time, None, CLAIMED.data, CLAIMED.topic, CLAIMED.key, None, None
    )


@pytest.mark.parametrize("traceparent", [None, b"", b"\xff", b"00-short", b"x" * 2000])
def test_a_trace_that_makes_no_sense_is_dropped_and_the_event_is_kept(traceparent: bytes | None) -> None:
    headers = with_headers(ce_traceparent=traceparent, ce_tracestate=b"a=b")
    envelope = from_record(RECORD.topic, RECORD.key, RECORD.value, headers)
    assert (envelope.traceparent, envelope.tracestate) == (None, None)
    assert envelope.data == CLAIMED.data


def test_a_trace_travels_whole() -> None:
    traced = Envelope.of(
        CLAIMED.data, id="1", source="urn:x", time=CLAIMED.time, traceparent=CLAIMED.traceparent, tracestate="a=b,c=d"
    )
    assert from_record(*to_record(traced)) == traced


def test_a_tombstone_of_a_compacted_topic_is_read() -> None:
    key = EXAMPLES["facts.recorded.v1"].event_key
    record = tombstone_record(RECORDS_FACTS, key, id="1", source="urn:qingdan:service:records", time=CLAIMED.time)
    assert (record.key, record.value) == (key.encode(), None)
    read = from_record(*record)
    assert read.data == Tombstone(key=key)
    assert (read.id, read.source, read.time, read.key) == ("1", "urn:qingdan:service:records", CLAIMED.time, key)


def test_there_is_no_tombstone_where_nothing_is_compacted() -> None:
    with pytest.raises(ValueError, match="compacted"):
        tombstone_record(TASKS, "a", id="1", source="urn:x", time=CLAIMED.time)


def refusal(record: tuple[Any, ...]) -> MalformedMessage:
    with pytest.raises(MalformedMessage) as caught:
        from_record(*record)
    assert caught.value.__cause__ is None
    return caught.value


MALFORMED: dict[str, tuple[str, tuple[Any, ...]]] = {
    "tombstone where nothing is compacted": ("tombstone", (RECORD.topic, RECORD.key, None, RECORD.headers)),
    "tombstone without a key": ("tombstone", (RECORDS_FACTS.name, None, None, RECORD.headers)),
    "tombstone without attributes": ("missing_source", (RECORDS_FACTS.name, b"p:x/y", None, [])),
    "tombstone of another key": ("key_mismatch", (RECORDS_FACTS.name, b"p:x/y", None, RECORD.headers)),
    "topic outside the registry": ("unknown_topic", ("pub.other.v1", RECORD.key, RECORD.value, RECORD.headers)),
    "body beyond the limit": ("value_too_large", (*RECORD[:2], b" " * (VALUE_BYTES_MAX + 1), RECORD.headers)),
    "no headers": ("missing_specversion", (*RECORD[:3], [])),
    "null header": ("null_header", (*RECORD[:3], with_headers(ce_id=None))),
    "header twice": ("duplicate_header", (*RECORD[:3], [*RECORD.headers, ("ce_id", b"2")])),
    "header not UTF-8": ("header_not_utf8", (*RECORD[:3], with_headers(ce_source=b"\xff"))),
    "header too large": ("header_too_large", (*RECORD[:3], with_headers(ce_source=b"x" * 1025))),
    "specversion 0.3": ("unsupported_specversion", (*RECORD[:3], with_headers(ce_specversion=b"0.3"))),
    "no id": ("missing_id", (*RECORD[:3], without_header("ce_id"))),
    "empty id": ("bad_id", (*RECORD[:3], with_headers(ce_id=b""))),
    "id with NUL": ("bad_id", (*RECORD[:3], with_headers(ce_id=b"a\x00"))),
    "no source": ("missing_source", (*RECORD[:3], without_header("ce_source"))),
    "source with a line break": ("bad_source", (*RECORD[:3], with_headers(ce_source=b"a\n"))),
    "no type": ("missing_type", (*RECORD[:3], without_header("ce_type"))),
    "type against the grammar": ("bad_type", (*RECORD[:3], with_headers(ce_type=b"Share Claimed"))),
    "no time": ("missing_time", (*RECORD[:3], without_header("ce_time"))),
    "local time": ("bad_time", (*RECORD[:3], with_headers(ce_time=b"2021-08-11T01:30:00"))),
    "time that never was": ("bad_time", (*RECORD[:3], with_headers(ce_time=b"2021-02-30T01:30:00Z"))),
    "time before the calendar": ("bad_time", (*RECORD[:3], with_headers(ce_time=b"0001-01-01T00:00:00+01:00"))),
    "week date": ("bad_time", (*RECORD[:3], with_headers(ce_time=b"2021-W32-3T01:30:00Z"))),
    "empty subject": ("bad_subject", (*RECORD[:3], with_headers(ce_subject=b""))),
    "Avro": ("unsupported_content_type", (*RECORD[:3], with_headers(content_type=b"application/avro"))),
    "other charset": (
        "unsupported_content_type",
        (*RECORD[:3], with_headers(content_type=b"application/json; charset=gb18030")),
    ),
    "batch mode": (
        "unsupported_content_type",
        (*RECORD[:3], [("content-type", b"application/cloudevents-batch+json")]),
    ),
    "other record key": ("key_mismatch", (RECORD.topic, b"other", RECORD.value, RECORD.headers)),
    "key not UTF-8": ("key_mismatch", (RECORD.topic, b"\xff", RECORD.value, RECORD.headers)),
    "other partitionkey": ("key_mismatch", (*RECORD[:3], with_headers(ce_partitionkey=b"other"))),
    "structured, not JSON": ("structured_not_an_object", (*RECORD[:2], b"{", STRUCTURED_HEADERS)),
    "structured, a list": ("structured_not_an_object", (*RECORD[:2], b"[]", STRUCTURED_HEADERS)),
    "structured, NaN": ("structured_not_an_object", (*RECORD[:2], b'{"data":NaN}', STRUCTURED_HEADERS)),
    "structured, id a number": ("attribute_not_text", (*RECORD[:2], structured(id=1), STRUCTURED_HEADERS)),
    "structured, id too long": ("header_too_large", (*RECORD[:2], structured(id="x" * 2000), STRUCTURED_HEADERS)),
    "structured, no data": ("missing_data", (*RECORD[:2], structured(data=...), STRUCTURED_HEADERS)),
    "structured, bad base64": (
        "data_not_base64",
        (*RECORD[:2], structured(data=..., data_base64="*"), STRUCTURED_HEADERS),
    ),
    "structured XML data": (
        "unsupported_content_type",
        (*RECORD[:2], structured(datacontenttype="application/xml"), STRUCTURED_HEADERS),
    ),
    "department in another's name": (
        "foreign_source",
        (*APPLIED[:3], with_headers(APPLIED, ce_source=b"urn:qingdan:department:mzj")),
    ),
    "department on another's topic": ("foreign_source", ("in.access.mzj.v1", *APPLIED[1:])),
    "body in another's name": (
        "foreign_party",
        ("in.access.mzj.v1", *APPLIED[1:3], with_headers(APPLIED, ce_source=b"urn:qingdan:department:mzj")),
    ),
}


@pytest.mark.parametrize(("reason", "record"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_record_is_refused_with_its_reason(reason: str, record: tuple[Any, ...]) -> None:
    assert refusal(record).reason == reason


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (b"", None),
        (b"null", None),
        (b"[]", None),
        (b"\xff", None),
        (b"{" * 10_000, None),
        (b"[" * 200_000, None),
        (with_data(type="share.refused.v1"), "type"),
        (with_data(limit_working_days="5"), "limit_working_days"),
        (with_data(limit_working_days=5.5), "limit_working_days"),
        (with_data(limit_working_days=10**4000), "limit_working_days"),
        (with_data(due_on="2021-02-30"), "due_on"),
        (with_data(due_on=20210811), "due_on"),
        (with_data(provisional="yes"), "provisional"),
        (with_data(village="13043110520"), "village"),
        (with_data(origin={}), "origin"),
        (b'{"type":"share.claimed.v1"}', "task"),
    ],
)
def test_invalid_data_names_our_field_and_the_rule(value: bytes, field: str | None) -> None:
    failure = refusal((RECORD.topic, RECORD.key, value, RECORD.headers))
    assert (failure.reason, failure.field) == ("invalid_data", field)
    assert failure.rule


def test_the_type_inside_the_data_is_required() -> None:
    data = json.loads(RECORD.value or b"")
    del data["type"]
    failure = refusal((RECORD.topic, RECORD.key, json.dumps(data).encode(), RECORD.headers))
    assert (failure.reason, failure.field, failure.rule) == ("invalid_data", "type", "missing")


@pytest.mark.parametrize("name", ["share.claimed.v2", "share.praised.v1", "visit.closed.v1"])
def test_a_type_that_the_topic_does_not_have_is_unknown(name: str) -> None:
    with pytest.raises(UnknownEventType) as unknown:
        from_record(*RECORD[:3], with_headers(ce_type=name.encode()))
    assert unknown.value.type == name
    assert name not in str(unknown.value)


@pytest.mark.parametrize(
    "changed",
    [{"id": ""}, {"id": "a\x00"}, {"source": "x" * 1025}, {"time": datetime(2021, 8, 11)}],
    ids=["empty id", "NUL", "too long", "local time"],
)
def test_what_no_reader_would_accept_is_not_written(changed: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"id": "1", "source": "urn:x", "time": CLAIMED.time} | changed
    with pytest.raises(ValueError, match=r"attribute|zone"):
        encode(Envelope.of(CLAIMED.data, **arguments))


def test_a_body_beyond_the_limit_is_not_written() -> None:
    item = EXAMPLES["list.version-took-effect.v1"].items[0].model_copy(update={"title_zh": "事" * 200})  # type: ignore[attr-defined]
    huge = EXAMPLES["list.version-took-effect.v1"].model_copy(update={"items": (item,) * 500})
    with pytest.raises(ValueError, match="262144 bytes"):
        encode(Envelope.of(huge, id="1", source="urn:x", time=CLAIMED.time))


def test_a_family_event_goes_to_the_topic_of_its_own_party() -> None:
    instructed = EXAMPLES["payment.instructed.v1"]
    assert topics.topic_of(instructed).name == "to.bank.abc.v1"
    assert topics.topic_of(EXAMPLES["row.reported.v1"]).name == "in.records.pop-registry.v1"
