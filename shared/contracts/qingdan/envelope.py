"""CloudEvents 1.0 on Kafka: every event leaves in binary mode, and arrives in binary or structured mode."""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Final, Generic, NamedTuple, Self, TypeVar

import pydantic_core
from pydantic import ValidationError

from qingdan.event import EventBody, Tombstone
from qingdan.topics import Topic, UnknownTopic, topic_named, topic_of

__all__ = [
    "Envelope",
    "EventBody",
    "KafkaRecord",
    "MalformedMessage",
    "UnknownEventType",
    "encode",
    "from_record",
    "party_source",
    "service_source",
    "to_record",
    "tombstone_record",
]

VALUE_BYTES_MAX: Final = 262_144
"""Larger bodies are refused before they are parsed; the outbox refuses to write them."""
ATTRIBUTE_BYTES_MAX: Final = 1_024

Headers = Iterable[tuple[str, bytes | None]]
E_co = TypeVar("E_co", bound=EventBody, covariant=True)

_TYPE = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+\.v[1-9][0-9]{0,2}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
# CloudEvents 1.0, section "Type System": no control characters, no surrogates, no noncharacters.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_JSON = re.compile(r"application/(?!cloudevents)(?:[a-z0-9.+-]+\+)?json *(?:; *charset=\"?utf-8\"?)?", re.IGNORECASE)
_STRUCTURED = re.compile(r"application/cloudevents\+json *(?:; *charset=\"?utf-8\"?)?", re.IGNORECASE)


class MalformedMessage(ValueError):
    """A record that is not an event of its topic.

    `reason` is a short machine code. For `invalid_data`, `field` is the event's own member at fault and `rule` the
    broken rule. Neither they nor the text ever hold anything that the message held.
    """

    def __init__(self, reason: str, *, field: str | None = None, rule: str | None = None) -> None:
        self.reason = reason
        self.field = field
        self.rule = rule
        place = f" at {field}" if field else ""
        super().__init__(f"{reason}{place} ({rule})" if rule else reason)


class UnknownEventType(ValueError):
    """A well-formed event of a type that this version does not know on this topic: skip it and count it."""

    def __init__(self, event_type: str) -> None:
        self.type = event_type
        super().__init__("the topic has no such event type in this version")


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E_co]):
    """One event with its CloudEvents attributes.

    `id` is unique per `source` (UUIDv7 in ours); `time` is UTC; `topic` is the registry's name, without the prefix of
    a deployment; `key` is the Kafka key. `type`, `dataschema` and `partitionkey` follow from `data`.
    """

    id: str
    source: str
    time: datetime
    subject: str | None
    data: E_co
    topic: str
    key: str
    traceparent: str | None = None
    tracestate: str | None = None

    @property
    def type(self) -> str:
        """The CloudEvents type, as in `share.claimed.v1`."""
        return self.data.type

    @classmethod
    def of(
        cls,
        data: E_co,  # type: ignore[misc]  # a constructor may take what a frozen class is covariant in
        *,
        id: str,  # noqa: A002  the attribute's name in CloudEvents
        source: str,
        time: datetime,
        traceparent: str | None = None,
        tracestate: str | None = None,
    ) -> Self:
        """The envelope of an event of ours: topic, key and subject come from the registry and the event."""
        key = data.event_key
        return cls(id, source, time, key, data, topic_of(data).name, key, traceparent, tracestate)


class KafkaRecord(NamedTuple):
    """What a producer sends. `topic` is the registry's name, without the prefix of a deployment."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def service_source(service: str) -> str:
    """The CloudEvents source of one of our services."""
    return f"urn:qingdan:service:{service}"


def party_source(principal: str) -> str:
    """The CloudEvents source that an outside party must use, from its principal (`department:mzj`)."""
    return f"urn:qingdan:{principal}"


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _fixed_headers(kind: type[EventBody]) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", kind.event_type().encode()),
        ("ce_dataschema", kind.schema_urn().encode()),
        ("content-type", b"application/json"),
    )


def encode(envelope: Envelope[EventBody]) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of an event in CloudEvents binary mode, as the outbox stores them.

    Raises ValueError for an attribute that no reader would accept, or a body over VALUE_BYTES_MAX.
    """
    data = envelope.data
    headers = [
        *_fixed_headers(type(data)),
        ("ce_id", _outgoing(envelope.id)),
        ("ce_source", _outgoing(envelope.source)),
        ("ce_time", _rfc3339(envelope.time)),
        ("ce_partitionkey", _outgoing(envelope.key)),
    ]
    if envelope.subject is not None:
        headers.append(("ce_subject", _outgoing(envelope.subject)))
    if envelope.traceparent is not None:
        headers.append(("ce_traceparent", _outgoing(envelope.traceparent)))
        if envelope.tracestate is not None:
            headers.append(("ce_tracestate", _outgoing(envelope.tracestate)))
    value = data.__pydantic_serializer__.to_json(data)
    if len(value) > VALUE_BYTES_MAX:
        raise ValueError(f"an event's body stays within {VALUE_BYTES_MAX} bytes")
    return headers, value


def to_record(envelope: Envelope[EventBody]) -> KafkaRecord:
    """The event as a Kafka record in CloudEvents binary mode. Raises ValueError as `encode` does."""
    headers, value = encode(envelope)
    return KafkaRecord(envelope.topic, envelope.key.encode(), value, headers)


def tombstone_record(
    topic: Topic,
    key: str,
    *,
    id: str,  # noqa: A002  the attribute's name in CloudEvents
    source: str,
    time: datetime,
) -> KafkaRecord:
    """The record that says on a compacted topic that the state under `key` is gone.

    Raises ValueError for a topic that is not compacted, where it would say nothing.
    """
    if not topic.compacted:
        raise ValueError("only compacted topics have tombstones")
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", Tombstone.event_type().encode()),
        ("ce_id", _outgoing(id)),
        ("ce_source", _outgoing(source)),
        ("ce_time", _rfc3339(time)),
        ("ce_partitionkey", _outgoing(key)),
    ]
    return KafkaRecord(topic.name, key.encode(), None, headers)


def _outgoing(attribute: str) -> bytes:
    raw = attribute.encode()
    if not raw or len(raw) > ATTRIBUTE_BYTES_MAX or _FORBIDDEN.search(attribute):
        raise ValueError("a CloudEvents attribute is 1 to 1024 bytes of text without control characters")
    return raw


def _rfc3339(time: datetime) -> bytes:
    if time.tzinfo is not UTC:
        if time.tzinfo is None:
            raise ValueError("an event's time carries its zone")
        time = time.astimezone(UTC)
    return f"{time.isoformat()[:-6]}Z".encode()


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_READ: Final = frozenset(
    f"ce_{name}" for name in ("specversion", "id", "source", "type", "time", "subject", "partitionkey")
) | {"content-type"}
_TRACE: Final = frozenset({"ce_traceparent", "ce_tracestate"})


def from_record(topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> Envelope[EventBody]:
    """The event in a Kafka record, in CloudEvents binary or structured mode (JSON format).

    `topic` is the registry's name. Header values may be None; trace headers that make no sense are ignored.
    On a compacted topic a null value is a Tombstone, if its headers say who sent it and when.
    Raises MalformedMessage for everything that is not an event of the topic, and UnknownEventType for a well-formed
    event of a type that the topic does not have in this version. Nothing else.
    """
    decoder = _decoder(topic)
    if value is None:
        return _tombstone(decoder, key, _attributes(headers))
    if len(value) > VALUE_BYTES_MAX:
        raise MalformedMessage("value_too_large")
    attributes = _attributes(headers)
    content_type = attributes.get("content-type", "application/json")
    if content_type != "application/json":
        if _STRUCTURED.fullmatch(content_type):
            attributes, value = _structured(value, attributes)
        elif not _JSON.fullmatch(content_type):
            raise MalformedMessage("unsupported_content_type")
    return _event(decoder, key, value, attributes)


class _Decoder:
    """One topic's event types, looked up once."""

    __slots__ = ("source", "topic", "types")

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.types = dict(topic.types)
        incoming = topic.party is not None and topic.party.principal in topic.writers
        self.source = party_source(topic.party.principal) if topic.party and incoming else None


@lru_cache(maxsize=4096)
def _known_decoder(topic: str) -> _Decoder:
    return _Decoder(topic_named(topic))


def _decoder(topic: str) -> _Decoder:
    try:
        return _known_decoder(topic)
    except UnknownTopic:
        pass
    raise MalformedMessage("unknown_topic")


def _attributes(headers: Headers) -> dict[str, str]:
    """The headers that we read, as text. Others are not looked at."""
    attributes: dict[str, str] = {}
    for name, raw in headers:
        if name in _READ:
            if raw is None:
                raise MalformedMessage("null_header")
            if name in attributes:
                raise MalformedMessage("duplicate_header")
            attributes[name] = _text(raw)
        elif name in _TRACE and raw is not None and len(raw) <= ATTRIBUTE_BYTES_MAX:
            attributes[name] = raw.decode("ascii", "replace")
    return attributes


def _text(raw: bytes) -> str:
    if len(raw) > ATTRIBUTE_BYTES_MAX:
        raise MalformedMessage("header_too_large")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    raise MalformedMessage("header_not_utf8")


def _structured(value: bytes, headers: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    """Attributes and data of the CloudEvents JSON format (section 3 of that specification), as binary mode has them."""
    try:
        event = pydantic_core.from_json(value, allow_inf_nan=False)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise MalformedMessage("structured_not_an_object")
    attributes = {name: text for name, text in headers.items() if name in _TRACE}
    for name in ("specversion", "id", "source", "type", "time", "subject", "partitionkey"):
        attribute = event.get(name)
        if attribute is None:
            continue
        if not isinstance(attribute, str):
            raise MalformedMessage("attribute_not_text")
        attributes[f"ce_{name}"] = _text(attribute.encode())
    for name in ("traceparent", "tracestate"):
        attribute = event.get(name)
        if isinstance(attribute, str) and len(attribute) <= ATTRIBUTE_BYTES_MAX:
            attributes[f"ce_{name}"] = attribute
    content_type = event.get("datacontenttype")
    if content_type is not None and not (isinstance(content_type, str) and _JSON.fullmatch(content_type)):
        raise MalformedMessage("unsupported_content_type")
    return attributes, _structured_data(event)


def _structured_data(event: Mapping[str, Any]) -> bytes:
    if "data" in event:
        return pydantic_core.to_json(event["data"])
    encoded = event.get("data_base64")
    if encoded is None:
        raise MalformedMessage("missing_data")
    try:
        return base64.b64decode(encoded, validate=True)
    except (ValueError, TypeError):
        pass
    raise MalformedMessage("data_not_base64")


def _event(decoder: _Decoder, key: bytes | None, value: bytes, attributes: Mapping[str, str]) -> Envelope[EventBody]:
    version = attributes.get("ce_specversion")
    if version != "1.0":
        raise MalformedMessage("missing_specversion" if version is None else "unsupported_specversion")
    kind = decoder.types.get(attributes.get("ce_type", ""))
    if kind is None:
        raise _unknown(attributes.get("ce_type"))
    event_id = _required(attributes, "id")
    source = _required(attributes, "source")
    if decoder.source is not None and source != decoder.source:
        raise MalformedMessage("foreign_source")
    subject = attributes.get("ce_subject")
    if subject is not None and (not subject or _FORBIDDEN.search(subject)):
        raise MalformedMessage("bad_subject")
    time = _time(_required(attributes, "time"))
    data = _data(kind, value)
    party = decoder.topic.party
    if party is not None and _slug(getattr(data, party.field)) != party.slug:
        raise MalformedMessage("foreign_party")
    own_key = data.event_key
    # A wrong key would be a wrong partition, and the order of this aggregate's events would be lost unseen.
    if attributes.get("ce_partitionkey", own_key) != own_key or (key is not None and key != own_key.encode()):
        raise MalformedMessage("key_mismatch")
    traceparent = attributes.get("ce_traceparent")
    tracestate = None
    if traceparent is not None:
        if _TRACEPARENT.fullmatch(traceparent):
            tracestate = _tracestate(attributes.get("ce_tracestate"))
        else:
            traceparent = None
    return Envelope(event_id, source, time, subject, data, decoder.topic.name, own_key, traceparent, tracestate)


def _tombstone(decoder: _Decoder, key: bytes | None, attributes: Mapping[str, str]) -> Envelope[EventBody]:
    if not decoder.topic.compacted or not key:
        raise MalformedMessage("tombstone")
    source, time = _required(attributes, "source"), _time(_required(attributes, "time"))
    gone = Tombstone(key=_text(key))
    if attributes.get("ce_partitionkey", gone.key) != gone.key:
        raise MalformedMessage("key_mismatch")
    return Envelope(_required(attributes, "id"), source, time, None, gone, decoder.topic.name, gone.key)


def _data(kind: type[EventBody], value: bytes) -> EventBody:
    failure: MalformedMessage
    try:
        data: EventBody = kind.__pydantic_validator__.validate_json(value, strict=True)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_context=False, include_input=False)[0]
        place = first["loc"][0] if first["loc"] else None
        # Only names of our own: a place deeper down could be a word of the message.
        field = place if isinstance(place, str) and place in kind.model_fields else None
        failure = MalformedMessage("invalid_data", field=field, rule=first["type"])
    except (ValueError, RecursionError, OverflowError):
        failure = MalformedMessage("invalid_data", rule="unreadable")
    else:
        if "type" in data.model_fields_set:
            return data
        failure = MalformedMessage("invalid_data", field="type", rule="missing")
    # Raised out here, so that no traceback carries the validation error with its input.
    raise failure


def _unknown(event_type: str | None) -> MalformedMessage | UnknownEventType:
    if event_type is None:
        return MalformedMessage("missing_type")
    return UnknownEventType(event_type) if _TYPE.fullmatch(event_type) else MalformedMessage("bad_type")


def _required(attributes: Mapping[str, str], name: str) -> str:
    text = attributes.get(f"ce_{name}")
    if text is None:
        raise MalformedMessage(f"missing_{name}")
    if not text or _FORBIDDEN.search(text):
        raise MalformedMessage(f"bad_{name}")
    return text


def _time(text: str) -> datetime:
    if _RFC3339.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise MalformedMessage("bad_time")


def _slug(code: str) -> str:
    return code.lower().replace("_", "-")


def _tracestate(text: str | None) -> str | None:
    return text if text and text.isascii() and text.isprintable() and len(text) <= 512 else None
