"""The AsyncAPI 3.0 document of all topics: a view of the registry; the JSON Schemas are the contract."""

from importlib.metadata import version
from typing import Any

from qingdan.envelope import ATTRIBUTE_BYTES_MAX
from qingdan.event import EventBody
from qingdan.topics import ALL, EVENTS, FAMILIES, SERVICES, Topic

_PARAMETERS = {
    "<department>": "the department's code in lower case, as in `mzj`",
    "<system>": "the system's code with `-` for `_`, as in `pop-registry`",
    "<bank>": "the bank's code in lower case, as in `abc`",
}

_TEXT = {"type": "string", "minLength": 1, "maxLength": ATTRIBUTE_BYTES_MAX}

_HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka binary mode. Structured mode is accepted too.",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {**_TEXT, "description": "unique per source; the same id again is the same event"},
        "ce_source": {**_TEXT, "format": "uri-reference"},
        "ce_type": _TEXT,
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": _TEXT,
        "ce_dataschema": {"type": "string", "format": "uri"},
        "ce_partitionkey": {**_TEXT, "description": "equals the record key"},
        "ce_traceparent": {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
        "ce_tracestate": {"type": "string", "maxLength": 512},
        "content-type": {"const": "application/json"},
    },
}


def asyncapi_document() -> dict[str, Any]:
    """The whole document; payloads refer to `./schemas/<type>.json`."""
    topics = (*ALL, *(family.template for family in FAMILIES))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Qingdan 轻担",
            "version": version("qingdan"),
            "description": "Events of a county that lightens what it asks of its villages. "
            "Within a topic's major only optional fields are added.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_channel_id(topic): _channel(topic) for topic in topics},
        "operations": {_operation_id(topic): _operation(topic) for topic in topics},
        "components": {
            "messages": {event.event_type(): _message(event) for event in EVENTS},
            "schemas": {"CloudEventHeaders": _HEADERS},
        },
    }


def _channel_id(topic: Topic) -> str:
    return topic.name.replace("<", "").replace(">", "")


def _operation_id(topic: Topic) -> str:
    return f"{_action(topic)}-{_channel_id(topic)}"


def _action(topic: Topic) -> str:
    return "send" if any(writer in SERVICES for writer in topic.writers) else "receive"


def _channel(topic: Topic) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": topic.name.replace("<", "{").replace(">", "}"),
        "description": f"{topic.owner} owns it. Key: {topic.key}.",
        "messages": {
            event.event_type(): {"$ref": f"#/components/messages/{event.event_type()}"} for event in topic.events
        },
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if topic.compacted else "delete"],
                    "retention.ms": -1 if topic.retention_ms is None else topic.retention_ms,
                },
                "bindingVersion": "0.5.0",
            }
        },
        "x-data-class": topic.data_class.value,
        "x-writers": list(topic.writers),
        "x-readers": list(topic.readers),
    }
    if topic.consumed:
        channel["x-dead-letters"] = topic.dlt.replace("<", "{").replace(">", "}")
    parameters = {word.strip("<>"): {"description": words} for word, words in _PARAMETERS.items() if word in topic.name}
    return channel | ({"parameters": parameters} if parameters else {})


def _operation(topic: Topic) -> dict[str, Any]:
    channel = f"#/channels/{_channel_id(topic)}"
    return {
        "action": _action(topic),
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.event_type()}"} for event in topic.events],
    }


def _message(event: type[EventBody]) -> dict[str, Any]:
    name = event.event_type()
    return {
        "name": name,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip(),
        "contentType": "application/json",
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEventHeaders"},
                {"properties": {"ce_type": {"const": name}, "ce_dataschema": {"const": event.schema_urn()}}},
            ]
        },
        "payload": {"$ref": f"./schemas/{name}.json"},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }
