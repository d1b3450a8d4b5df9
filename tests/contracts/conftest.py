"""Values that the published JSON Schemas allow, for property tests."""

import string
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from hypothesis import strategies as st

from qingdan.json_schemas import all_schemas

Schema = dict[str, Any]
Strategy = st.SearchStrategy[Any]

_FORMATS: dict[str, Strategy] = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(lambda day: day.isoformat().rjust(10, "0")),
    "date-time": st.datetimes(timezones=st.just(UTC)).map(lambda instant: instant.isoformat()),
}
# No controls and no surrogates, but Chinese, emoji and what else there is.
_TEXT = st.characters(codec="utf-8", exclude_categories=["Cc"])
_TOO_MUCH = 4
"""Lists as long as the schemas allow would only make the tests slow."""


def _allowed(schema: Schema, root: Schema) -> Strategy:
    if "$ref" in schema:
        return _allowed(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return st.one_of([_allowed(member, root) for member in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    match schema["type"]:
        case "object":
            return st.fixed_dictionaries({name: _allowed(part, root) for name, part in schema["properties"].items()})
        case "array":
            shortest = schema.get("minItems", 0)
            return st.lists(_allowed(schema["items"], root), min_size=shortest, max_size=shortest + _TOO_MUCH)
        case "string":
            return _text(schema)
        case "integer":
            return st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53))
        case "boolean":
            return st.booleans()
    return st.none()


def _text(schema: Schema) -> Strategy:
    if "format" in schema:
        return _FORMATS[schema["format"]]
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 400)
    pattern = schema["pattern"]
    if "x00" in pattern:
        return st.text(_TEXT, min_size=shortest, max_size=min(longest, 60))
    allowed = st.from_regex(pattern, fullmatch=True, alphabet=st.sampled_from(string.printable))
    return allowed.filter(lambda text: shortest <= len(text) <= longest)


@pytest.fixture(scope="session")
def allowed_data() -> Callable[[str], Strategy]:
    """By event type: JSON data as the event's published schema allows it."""
    schemas = all_schemas()
    made: dict[str, Strategy] = {}

    def strategy(event_type: str) -> Strategy:
        if event_type not in made:
            made[event_type] = _allowed(schemas[event_type], schemas[event_type])
        return made[event_type]

    return strategy
