"""Breaking changes are named with path and rule; harmless ones pass."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qingdan.compatibility import closed_form, main, violations
from qingdan.json_schemas import all_schemas

Schema = dict[str, Any]

BASE: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:qingdan:schema:thing.happened.v1",
    "$defs": {
        "Part": {
            "type": "object",
            "title": "Part",
            "properties": {"code": {"type": "string"}, "count": {"type": "integer", "minimum": 0}},
            "required": ["code"],
        },
        "Kind": {"type": "string", "enum": ["task", "form"]},
        "Tree": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "branches": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
            },
            "required": ["name"],
        },
        "Cash": {"type": "object", "properties": {"by": {"const": "cash"}, "fen": {"type": "integer"}}},
        "Card": {"type": "object", "properties": {"by": {"const": "card"}, "last": {"type": "string"}}},
    },
    "type": "object",
    "title": "ThingHappened",
    "description": "A thing happened.",
    "properties": {
        "type": {"type": "string", "const": "thing.happened.v1"},
        "task": {"type": "string", "format": "uuid"},
        "note": {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z]*$"},
        "amount": {"type": "integer", "minimum": 1, "maximum": 10},
        "score": {"type": "number"},
        "kind": {"$ref": "#/$defs/Kind"},
        "part": {"$ref": "#/$defs/Part"},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}, "maxItems": 5},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "paid": {
            "oneOf": [{"$ref": "#/$defs/Cash"}, {"$ref": "#/$defs/Card"}],
            "discriminator": {"propertyName": "by"},
        },
        "tree": {"$ref": "#/$defs/Tree"},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "required": ["type", "task", "amount", "kind"],
}

Change = Callable[[Schema], object]


def put(value: Any, *path: str) -> Change:
    """Sets what lies at the path below the schema."""

    def change(schema: Schema) -> None:
        for step in path[:-1]:
            schema = schema[step]
        schema[path[-1]] = value

    return change


def drop(*path: str) -> Change:
    """Takes away what lies at the path below the schema."""

    def change(schema: Schema) -> None:
        for step in path[:-1]:
            schema = schema[step]
        del schema[path[-1]]

    return change


def together(*changes: Change) -> Change:
    return lambda schema: [change(schema) for change in changes]


def rename(old: str, new: str) -> Change:
    return lambda schema: schema["properties"].__setitem__(new, schema["properties"].pop(old))


def required(*names: str) -> Change:
    return put(list(names), "required")


CASH, CARD, NULL = {"$ref": "#/$defs/Cash"}, {"$ref": "#/$defs/Card"}, {"type": "null"}

BREAKING: dict[str, tuple[Change, set[tuple[str, str]]]] = {
    "optional field removed": (drop("properties", "note"), {("$.note", "field_removed")}),
    "required field removed": (
        together(drop("properties", "amount"), required("type", "task", "kind")),
        {("$.amount", "field_removed")},
    ),
    "optional field renamed": (rename("note", "remark"), {("$.note", "field_removed")}),
    "required field added": (
        together(put({"type": "string"}, "properties", "new"), required("type", "task", "amount", "kind", "new")),
        {("$.new", "required_field_added")},
    ),
    "optional made required": (
        required("type", "task", "amount", "kind", "note"),
        {("$.note", "field_made_required")},
    ),
    "required made optional": (required("type", "task", "kind"), {("$.amount", "field_made_optional")}),
    "type changed": (put({"type": "string"}, "properties", "amount"), {("$.amount", "type_changed")}),
    "type widened": (put("number", "properties", "amount", "type"), {("$.amount", "type_widened")}),
    "type narrowed": (put("integer", "properties", "score", "type"), {("$.score", "type_narrowed")}),
    "type left open": (put({}, "properties", "score"), {("$.score", "type_widened")}),
    "enum value added": (put(["task", "form", "sign"], "$defs", "Kind", "enum"), {("$.kind", "enum_value_added")}),
    "enum value removed": (put(["task"], "$defs", "Kind", "enum"), {("$.kind", "enum_value_removed")}),
    "enum value renamed": (
        put(["task", "forms"], "$defs", "Kind", "enum"),
        {("$.kind", "enum_value_added"), ("$.kind", "enum_value_removed")},
    ),
    "enum opened": (put({"type": "string"}, "$defs", "Kind"), {("$.kind", "type_widened")}),
    "text closed to an enum": (
        put({"type": "string", "enum": ["a"]}, "$defs", "Part", "properties", "code"),
        {("$.part.code", "type_narrowed"), ("$.parts[].code", "type_narrowed")},
    ),
    "const changed": (put("thing.happened.v2", "properties", "type", "const"), {("$.type", "const_changed")}),
    "minimum lowered": (put(0, "properties", "amount", "minimum"), {("$.amount.minimum", "bound_widened")}),
    "minimum raised": (put(2, "properties", "amount", "minimum"), {("$.amount.minimum", "bound_narrowed")}),
    "maximum raised": (put(11, "properties", "amount", "maximum"), {("$.amount.maximum", "bound_widened")}),
    "maximum lowered": (put(9, "properties", "amount", "maximum"), {("$.amount.maximum", "bound_narrowed")}),
    "maximum dropped": (drop("properties", "amount", "maximum"), {("$.amount.maximum", "bound_widened")}),
    "bound added": (put(1, "properties", "score", "minimum"), {("$.score.minimum", "bound_narrowed")}),
    "text may be longer": (put(21, "properties", "note", "maxLength"), {("$.note.maxLength", "bound_widened")}),
    "text may be empty": (put(0, "properties", "note", "minLength"), {("$.note.minLength", "bound_widened")}),
    "list may be longer": (put(6, "properties", "parts", "maxItems"), {("$.parts.maxItems", "bound_widened")}),
    "pattern changed": (put("^[A-Z]*$", "properties", "note", "pattern"), {("$.note.pattern", "constraint_changed")}),
    "pattern dropped": (drop("properties", "note", "pattern"), {("$.note.pattern", "constraint_changed")}),
    "format changed": (put("date", "properties", "task", "format"), {("$.task.format", "constraint_changed")}),
    "step added": (put(5, "properties", "amount", "multipleOf"), {("$.amount.multipleOf", "constraint_changed")}),
    "unknown keyword added": (
        put({"maxLength": 3}, "properties", "note", "not"),
        {("$.note.not", "constraint_changed")},
    ),
    "array items changed": (put({"type": "string"}, "properties", "parts", "items"), {("$.parts[]", "type_changed")}),
    "array items left open": (drop("properties", "parts", "items"), {("$.parts[]", "type_changed")}),
    "field of a shared part removed": (
        drop("$defs", "Part", "properties", "count"),
        {("$.part.count", "field_removed"), ("$.parts[].count", "field_removed")},
    ),
    "field of a recursive part changed": (
        put({"type": "integer"}, "$defs", "Tree", "properties", "name"),
        {("$.tree.name", "type_changed")},
    ),
    "null allowed": (
        put({"anyOf": [{"type": "number"}, NULL]}, "properties", "score"),
        {("$.score", "nullable_added")},
    ),
    "null allowed by a list of types": (
        put({"type": ["number", "null"]}, "properties", "score"),
        {("$.score", "nullable_added")},
    ),
    "null refused": (put({"type": "integer"}, "properties", "maybe"), {("$.maybe", "nullable_removed")}),
    "nullable part narrowed": (
        put({"anyOf": [{"type": "integer", "minimum": 0}, NULL]}, "properties", "maybe"),
        {("$.maybe.minimum", "bound_narrowed")},
    ),
    "bound beside a union": (
        put({"anyOf": [{"type": "integer"}, NULL], "minimum": 0}, "properties", "maybe"),
        {("$.maybe.minimum", "bound_narrowed")},
    ),
    "union member added": (
        put(
            [CASH, CARD, {"type": "object", "properties": {"by": {"const": "post"}}}],
            "properties",
            "paid",
            "oneOf",
        ),
        {("$.paid", "union_member_added")},
    ),
    "union member removed": (put([CASH], "properties", "paid", "oneOf"), {("$.paid", "union_member_removed")}),
    "union member's field changed": (
        put({"type": "string"}, "$defs", "Cash", "properties", "fen"),
        {("$.paid.fen", "type_changed")},
    ),
    "map values changed": (
        put({"type": "string"}, "properties", "counts", "additionalProperties"),
        {("$.counts{}", "type_changed")},
    ),
}

HARMLESS: dict[str, Change] = {
    "nothing": lambda schema: None,
    "optional field added": put({"type": "string"}, "properties", "new"),
    "optional nullable field with default added": put(
        {"anyOf": [{"type": "string"}, NULL], "default": None}, "properties", "new"
    ),
    "optional field added to a shared part": put({"type": "string"}, "$defs", "Part", "properties", "new"),
    "optional field added to a union's member": put({"type": "string"}, "$defs", "Cash", "properties", "new"),
    "optional field added to a recursive part": put({"type": "string"}, "$defs", "Tree", "properties", "new"),
    "title changed": put("Other", "title"),
    "description changed": put("Other words.", "properties", "amount", "description"),
    "examples added": put([3], "properties", "amount", "examples"),
    "default added": put(3, "properties", "amount", "default"),
    "deprecated": put(True, "properties", "note", "deprecated"),
    "comment added": put("why", "properties", "note", "$comment"),
    "fields in another order": lambda schema: schema.update(properties=dict(reversed(schema["properties"].items()))),
    "required in another order": required("kind", "amount", "task", "type"),
    "enum in another order": put(["form", "task"], "$defs", "Kind", "enum"),
    "union in another order": put([CARD, CASH], "properties", "paid", "oneOf"),
    "null by a list of types": put({"type": ["integer", "null"]}, "properties", "maybe"),
    "definition renamed": together(
        lambda schema: schema["$defs"].__setitem__("Sort", schema["$defs"].pop("Kind")),
        put({"$ref": "#/$defs/Sort"}, "properties", "kind"),
    ),
    "definition written out": put({"type": "string", "enum": ["task", "form"]}, "properties", "kind"),
    "definition nobody uses": put({"type": "null"}, "$defs", "Unused"),
    "additionalProperties said aloud": put(False, "additionalProperties"),
    "const as an enum of one": put({"type": "string", "enum": ["thing.happened.v1"]}, "properties", "type"),
}


def changed(change: Change) -> Schema:
    schema = copy.deepcopy(BASE)
    change(schema)
    return schema


@pytest.mark.parametrize(("change", "expected"), BREAKING.values(), ids=BREAKING.keys())
def test_a_breaking_change_is_named_with_path_rule_and_remedy(change: Change, expected: set[tuple[str, str]]) -> None:
    found = violations(BASE, changed(change))
    assert {(violation.path, violation.rule) for violation in found} == expected
    assert all(", or publish thing.happened.v2 on a new topic" in violation.remedy for violation in found)


@pytest.mark.parametrize(("change", "expected"), BREAKING.values(), ids=BREAKING.keys())
def test_a_breaking_change_taken_back_is_breaking_too(change: Change, expected: set[tuple[str, str]]) -> None:
    back = {(violation.path, violation.rule) for violation in violations(changed(change), BASE)}
    # Only taking back a field that was optional leaves the name free to come in again.
    assert back or all(rule == "field_removed" for _, rule in expected)


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_a_harmless_change_passes(change: Change) -> None:
    assert violations(BASE, changed(change)) == []


def test_the_closed_form_sees_what_counts_and_nothing_else() -> None:
    same = {name for name, change in HARMLESS.items() if closed_form(changed(change)) == closed_form(BASE)}
    assert {"title changed", "definition renamed", "union in another order", "comment added"} <= same
    assert "optional field added" not in same
    assert not any(closed_form(changed(change)) == closed_form(BASE) for change, _ in BREAKING.values())


def test_every_published_schema_is_compatible_with_itself_and_with_no_other() -> None:
    schemas = all_schemas()
    for name, schema in schemas.items():
        assert violations(schema, schema) == []
        for other, foreign in schemas.items():
            assert name == other or violations(schema, foreign), (name, other)


def test_the_command_compares_two_directories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, schema in ((old, BASE), (new, changed(drop("properties", "note")))):
        folder.mkdir()
        (folder / "thing.happened.v1.json").write_text(json.dumps(schema), encoding="utf-8")
    (old / "thing.ended.v1.json").write_text(json.dumps(BASE), encoding="utf-8")
    assert main([str(old), str(old)]) == 0
    assert main([str(old), str(new)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["thing.ended.v1 $", "event_removed"],
        ["thing.happened.v1 $.note", "field_removed"],
    ]
    assert main([str(old)]) == 2
