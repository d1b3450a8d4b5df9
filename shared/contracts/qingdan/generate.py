"""Writes what is generated from the registry: JSON Schemas, golden vectors, their history and the AsyncAPI document.

`python -m qingdan.generate` writes; with `--check` it writes nothing and exits 1 when a file is stale. Neither lets an
incompatible change pass: every version of a schema that was ever committed stays in `schemas/history/<type>/`.
"""

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qingdan.asyncapi import asyncapi_document
from qingdan.compatibility import Violation, closed_form, violations
from qingdan.envelope import to_record
from qingdan.event import EventBody
from qingdan.examples import EXAMPLES, example_envelope
from qingdan.json_schemas import Schema, all_schemas

PACKAGE = Path(__file__).parent
COMMAND = "make schemas"

Files = dict[str, str]
"""Text by path below the package."""


def vector_of(event: EventBody) -> dict[str, Any]:
    """The golden vector: the exact record that the event becomes, and what it says."""
    record = to_record(example_envelope(event))
    value = record.value or b""
    return {
        "type": event.type,
        "topic": record.topic,
        "key": (record.key or b"").decode(),
        "headers": [[name, raw.decode()] for name, raw in record.headers],
        "value_text": value.decode(),
        "value_base64": base64.b64encode(value).decode(),
        "data": json.loads(value),
    }


def generated(root: Path, schemas: Mapping[str, Schema], examples: Mapping[str, EventBody]) -> Files:
    """Every file as it must be below `root`, given the history that is already there."""
    files = {"asyncapi.json": _text(asyncapi_document())}
    for name, schema in schemas.items():
        vector = _text(vector_of(examples[name])) if name in examples else None
        files[f"schemas/{name}.json"] = _text(schema)
        if vector is not None:
            files[f"vectors/{name}.json"] = vector
        versions = history_of(root, name)
        if not versions or closed_form(_read(versions[-1])) != closed_form(schema):
            number = f"{len(versions) + 1:04d}.json"
            files[f"schemas/history/{name}/{number}"] = _text(schema)
            if vector is not None:
                files[f"vectors/history/{name}/{number}"] = vector
    return files


def refused(root: Path, schemas: Mapping[str, Schema]) -> list[tuple[str, Violation]]:
    """What would break somebody who relies on any earlier version, by the path of that version."""
    found: list[tuple[str, Violation]] = []
    for folder in sorted((root / "schemas" / "history").glob("*")):
        for path in history_of(root, folder.name):
            version = f"schemas/history/{folder.name}/{path.name}"
            if folder.name not in schemas:
                remedy = "put the event back; nobody has to send it"
                found.append((version, Violation("$", "event_removed", remedy)))
            else:
                found += [(version, each) for each in violations(_read(path), schemas[folder.name])]
    return found


def stale(root: Path, files: Files) -> list[str]:
    """Paths below `root` that differ from what is generated, are missing, or belong to nothing."""
    wrong = [
        name
        for name, text in files.items()
        if not (root / name).exists() or (root / name).read_text(encoding="utf-8") != text
    ]
    there = {
        str(path.relative_to(root)) for folder in ("schemas", "vectors") for path in (root / folder).glob("*.json")
    }
    return sorted({*wrong, *(there - files.keys())})


def history_of(root: Path, name: str) -> list[Path]:
    """The earlier versions of a schema, oldest first."""
    return sorted((root / "schemas" / "history" / name).glob("*.json"))


def _read(path: Path) -> Schema:
    schema: Schema = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def write(root: Path, files: Files) -> list[str]:
    """Brings `root` in line with `files`. Returns the paths that changed."""
    changed = stale(root, files)
    for name in changed:
        if name in files:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(files[name], encoding="utf-8")
        else:
            (root / name).unlink()
    return changed


def main(arguments: list[str], root: Path = PACKAGE) -> int:
    """0 when all is well, 1 for stale files or an incompatible change, 2 for wrong usage."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m qingdan.generate [--check]\n")
        return 2
    schemas = all_schemas()
    broken = refused(root, schemas)
    for version, violation in broken:
        sys.stderr.write(f"{version} {violation.path}: {violation.rule}: {violation.remedy}\n")
    if broken:
        return 1
    files = generated(root, schemas, EXAMPLES)
    if not arguments:
        for name in write(root, files):
            sys.stdout.write(f"wrote {name}\n")
        return 0
    outdated = stale(root, files)
    for name in outdated:
        sys.stderr.write(f"{name} is stale: run `{COMMAND}` (python -m qingdan.generate)\n")
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
