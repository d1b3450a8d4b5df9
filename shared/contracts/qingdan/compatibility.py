"""Checks that a schema changed only in ways that break no reader and no writer: FULL_TRANSITIVE within a major.

Both schemas are read as *closed* forms: a field that is not named is not allowed, so that removals and renames show.
The one change that passes is a new optional field; titles, descriptions, examples, defaults, order and the names of
definitions do not count. `python -m qingdan.compatibility OLD_DIR NEW_DIR` compares two directories of schemas.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]

_ANNOTATIONS = {"$schema", "$id", "$comment", "$defs", "$anchor", "title", "description", "examples", "default"}
_ANNOTATIONS |= {"deprecated", "readOnly", "writeOnly", "discriminator"}
_LOWER_BOUNDS = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_UPPER_BOUNDS = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_WALKED = {"$ref", "type", "properties", "required", "items", "additionalProperties", "enum", "const"}
_MAPS_OF_SCHEMAS = {"properties", "patternProperties", "dependentSchemas"}
_LISTS_OF_SCHEMAS = {"anyOf", "oneOf", "allOf", "prefixItems"}
_SCHEMAS = {"items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"}

_REMEDIES = {
    "field_removed": "put the field back; it may stay empty if it is optional",
    "required_field_added": "make it optional",
    "field_made_required": "leave it optional",
    "field_made_optional": "leave it required",
    "type_changed": "add an optional field of the new type beside it",
    "type_widened": "add an optional field of the wider type beside it",
    "type_narrowed": "keep the type and check the narrower rule where the event is made",
    "enum_value_added": "keep the values and add an optional field for what is new",
    "enum_value_removed": "put the value back; nobody has to send it",
    "const_changed": "put the value back",
    "bound_widened": "put the bound back and add an optional field for what does not fit",
    "bound_narrowed": "put the bound back and check the narrower one where the event is made",
    "constraint_changed": "put it back",
    "nullable_added": "leave it without null; an optional field can be left out",
    "nullable_removed": "let it be null again",
    "union_member_added": "add an optional field for the new alternative",
    "union_member_removed": "put the alternative back; nobody has to send it",
    "event_removed": "put the event back; nobody has to send it",
}


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One broken rule: where (`$.shares[].village`), which, and what to do instead."""

    path: str
    rule: str
    remedy: str


def violations(old: Schema, new: Schema) -> list[Violation]:
    """What in `new` would break readers or writers of `old`, sorted by path. Empty when the change is harmless.

    Raises LookupError for a `$ref` that leads nowhere.
    """
    name = str(old.get("$id", "it")).removeprefix("urn:qingdan:schema:")
    found = _Comparison(old, new).compare("$", old, new)
    return sorted({Violation(path, rule, f"{_REMEDIES[rule]}, or {_next_major(name)}") for path, rule in found})


def closed_form(schema: Schema) -> Any:
    """What counts in a schema, with every reference written out: equal for schemas that mean the same.

    Recursive definitions are cut where they repeat.
    """
    return _written_out(schema, schema)


def _next_major(name: str) -> str:
    stem, _, version = name.rpartition(".v")
    return f"publish {stem}.v{int(version) + 1} on a new topic" if version.isdigit() else "publish a new major"


def _resolved(schema: Schema, root: Schema) -> Schema:
    """The schema itself, or what its `$ref` points to (an RFC 6901 pointer within the document), with its siblings."""
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _written_out(schema: Any, root: Schema, above: tuple[str, ...] = ()) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    reference = schema.get("$ref")
    if reference in above:
        return {"$ref": "repeats"}
    if reference is not None:
        above = (*above, reference)
    form: dict[str, Any] = {}
    for key, value in sorted(_resolved(schema, root).items()):
        if key in _ANNOTATIONS or (key == "additionalProperties" and isinstance(value, bool)):
            continue
        if key in _MAPS_OF_SCHEMAS:
            form[key] = {name: _written_out(part, root, above) for name, part in sorted(value.items())}
        elif key in _LISTS_OF_SCHEMAS:
            parts = [_written_out(part, root, above) for part in value]
            form[key] = parts if key == "prefixItems" else sorted(parts, key=_canonical)
        elif key in {"required", "enum"}:
            form[key] = sorted(value, key=_canonical)
        else:
            form[key] = _written_out(value, root, above) if key in _SCHEMAS else value
    return form


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


Found = Iterator[tuple[str, str]]


class _Comparison:
    """One walk through two documents; it knows the pairs of references above it, so that recursive schemas end."""

    def __init__(self, old_root: Schema, new_root: Schema) -> None:
        self.old_root = old_root
        self.new_root = new_root
        self.above: list[tuple[str, str]] = []

    def compare(self, path: str, old: Schema | bool, new: Schema | bool) -> Found:
        if isinstance(old, bool) or isinstance(new, bool):
            if old != new:
                yield path, "type_changed"
            return
        references = (old.get("$ref", ""), new.get("$ref", ""))
        if all(references) and references in self.above:
            return
        self.above.append(references)
        old_members = _members(_resolved(old, self.old_root))
        new_members = _members(_resolved(new, self.new_root))
        if len(old_members) > 1 or len(new_members) > 1:
            yield from self._unions(path, old_members, new_members)
        else:
            yield from self._plain(path, old_members[0], new_members[0])
        self.above.pop()

    def _plain(self, path: str, old: Schema, new: Schema) -> Found:
        old, new = _resolved(old, self.old_root), _resolved(new, self.new_root)
        rule = _type_rule(old.get("type"), new.get("type"))
        if rule:
            yield path, rule
            return
        yield from _values(path, old, new)
        yield from self._constraints(path, old, new)
        yield from self._fields(path, old, new)
        yield from self._contained(f"{path}[]", "items", old, new)
        yield from self._contained(f"{path}{{}}", "additionalProperties", old, new)

    def _fields(self, path: str, old: Schema, new: Schema) -> Found:
        before, after = old.get("properties", {}), new.get("properties", {})
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before.keys() | after.keys()):
            place = f"{path}.{name}"
            if name not in after:
                yield place, "field_removed"
            elif name not in before:
                if name in required_after:
                    yield place, "required_field_added"
            else:
                if name in required_after - required_before:
                    yield place, "field_made_required"
                if name in required_before - required_after:
                    yield place, "field_made_optional"
                yield from self.compare(place, before[name], after[name])

    def _constraints(self, path: str, old: Schema, new: Schema) -> Found:
        for keyword in sorted((old.keys() | new.keys()) - _ANNOTATIONS - _WALKED):
            before = _written_out({keyword: old[keyword]}, self.old_root) if keyword in old else None
            after = _written_out({keyword: new[keyword]}, self.new_root) if keyword in new else None
            if before == after:
                continue
            place = f"{path}.{keyword}"
            if keyword not in _LOWER_BOUNDS and keyword not in _UPPER_BOUNDS:
                yield place, "constraint_changed"
            elif before is None or after is None:
                yield place, "bound_narrowed" if before is None else "bound_widened"
            else:
                raised = new[keyword] > old[keyword]
                yield place, "bound_narrowed" if raised == (keyword in _LOWER_BOUNDS) else "bound_widened"

    def _contained(self, path: str, keyword: str, old: Schema, new: Schema) -> Found:
        before, after = old.get(keyword), new.get(keyword)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self.compare(path, before, after)
        elif isinstance(before, Mapping) or isinstance(after, Mapping):
            yield path, "type_changed"

    def _unions(self, path: str, old: list[Schema], new: list[Schema]) -> Found:
        """Pairs equal members first, then members of one kind; what stays alone was added or removed."""
        before = {_canonical(_written_out(member, self.old_root)): member for member in old}
        after = {_canonical(_written_out(member, self.new_root)): member for member in new}
        lost = [before[form] for form in before if form not in after]
        gained = [after[form] for form in after if form not in before]
        for member in lost:
            kind = self._kind(member, self.old_root)
            twin = next((other for other in gained if self._kind(other, self.new_root) == kind), None)
            if twin is None:
                yield path, "nullable_removed" if kind == "null" else "union_member_removed"
            else:
                gained.remove(twin)
                yield from self.compare(path, member, twin)
        for member in gained:
            null = self._kind(member, self.new_root) == "null"
            yield path, "nullable_added" if null else "union_member_added"

    def _kind(self, member: Schema, root: Schema) -> str:
        """What makes two members of a union the same alternative: the discriminating constant, else the JSON type."""
        resolved = _resolved(member, root)
        constants = {
            name: part["const"]
            for name, part in resolved.get("properties", {}).items()
            if isinstance(part, Mapping) and "const" in part
        }
        return _canonical(constants) if constants else str(resolved.get("type", "any"))


def _members(schema: Schema) -> list[Schema]:
    """The alternatives of a union, each with what is said beside it; a plain schema is its own only alternative."""
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            beside = {key: value for key, value in schema.items() if key != keyword and key not in _ANNOTATIONS}
            return [{**beside, **member} for member in schema[keyword]]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return [schema]


def _type_rule(old: Any, new: Any) -> str | None:
    if old == new:
        return None
    if (old, new) == ("integer", "number") or new is None:
        return "type_widened"
    if (old, new) == ("number", "integer") or old is None:
        return "type_narrowed"
    return "type_changed"


def _allowed(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _values(path: str, old: Schema, new: Schema) -> Found:
    before, after = _allowed(old), _allowed(new)
    if before is None and after is None:
        return
    if before is None or after is None:
        yield path, "type_narrowed" if before is None else "type_widened"
        return
    gone = {_canonical(value) for value in before} - {_canonical(value) for value in after}
    added = {_canonical(value) for value in after} - {_canonical(value) for value in before}
    if gone and added and len(before) == len(after) == 1:
        yield path, "const_changed"
        return
    if gone:
        yield path, "enum_value_removed"
    if added:
        yield path, "enum_value_added"


def compare_directories(old: Path, new: Path) -> list[tuple[str, Violation]]:
    """The violations of every schema file directly in `old` against the file of that name in `new`, by schema name.

    Raises OSError and ValueError for files that cannot be read as JSON objects.
    """
    found: list[tuple[str, Violation]] = []
    for path in sorted(old.glob("*.json")):
        before = json.loads(path.read_text(encoding="utf-8"))
        if not (new / path.name).exists():
            remedy = f"{_REMEDIES['event_removed']}, or {_next_major(path.stem)}"
            found.append((path.stem, Violation("$", "event_removed", remedy)))
            continue
        after = json.loads((new / path.name).read_text(encoding="utf-8"))
        found.extend((path.stem, violation) for violation in violations(before, after))
    return found


def main(arguments: list[str]) -> int:
    """Prints one line for each violation; 0 when there is none, 1 when there are, 2 for wrong usage."""
    if len(arguments) != 2 or not all(Path(argument).is_dir() for argument in arguments):
        sys.stderr.write("usage: python -m qingdan.compatibility OLD_DIR NEW_DIR\n")
        return 2
    found = compare_directories(Path(arguments[0]), Path(arguments[1]))
    for name, violation in found:
        sys.stdout.write(f"{name} {violation.path}: {violation.rule}: {violation.remedy}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
