"""The published JSON Schema (draft 2020-12) of each event and each clear payload."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from qingdan.examples import CLEAR_PAYLOADS
from qingdan.topics import EVENTS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


class _WithoutFieldTitles(GenerateJsonSchema):
    """A field's title would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  pydantic names the argument
        return False


def schema_of(model: type[BaseModel], name: str) -> Schema:
    """The schema of what a reader must accept, open to fields added later."""
    body = model.model_json_schema(mode="validation", schema_generator=_WithoutFieldTitles)
    return {"$schema": DIALECT, "$id": f"urn:qingdan:schema:{name}", **body}


def all_schemas() -> dict[str, Schema]:
    """Every published schema by name: the CloudEvents type, or `sealed.<name>.v<major>` for a clear payload."""
    events = {event.event_type(): schema_of(event, event.event_type()) for event in EVENTS}
    clear = {name: schema_of(type(example), name) for name, example in CLEAR_PAYLOADS.items()}
    return events | clear
