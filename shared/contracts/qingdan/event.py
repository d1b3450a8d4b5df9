"""What every event body and every part of one has in common."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class ContractModel(BaseModel):
    """A part of an event: immutable, tolerant of fields added later, and silent about values in its errors."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class EventBody(ContractModel):
    """The data of one event; `type` is the first field of every subclass and equals the envelope's type."""

    KEY: ClassVar[str]
    """Name of the field that holds the aggregate's id: the Kafka key, so that one aggregate's events stay in order."""

    type: str

    @property
    def event_key(self) -> str:
        """The Kafka key and CloudEvents `partitionkey`: the aggregate's id as text."""
        return str(getattr(self, self.KEY))

    @property
    def order_key(self) -> str:
        """Everything with the same order key goes to the same partition; the event key unless a family says more."""
        return self.event_key

    @classmethod
    def event_type(cls) -> str:
        """The CloudEvents type, as in `share.claimed.v1`."""
        default: str = cls.model_fields["type"].default
        return default

    @classmethod
    def schema_urn(cls) -> str:
        """The CloudEvents `dataschema`, which is the `$id` of the committed JSON Schema."""
        return f"urn:qingdan:schema:{cls.event_type()}"

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """`type` has a default for whoever builds the event in Python; on the wire it is required."""
        published: dict[str, Any] = handler.resolve_ref_schema(handler(schema))
        if "type" not in published.get("required", []):
            published["required"] = ["type", *published.get("required", [])]
        return published


class Tombstone(EventBody):
    """What a reader of a compacted topic gets for a record without a value: the state under `key` is gone.

    No topic lists it: on the wire it is a null value with the attributes of an event in its headers.
    """

    KEY: ClassVar[str] = "key"

    type: Literal["tombstone"] = "tombstone"
    key: str
