"""What is committed is what the code says today, and today's code reads what was ever committed."""

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import qingdan
from qingdan.envelope import from_record
from qingdan.examples import CLEAR_PAYLOADS, EXAMPLES, example_envelope
from qingdan.generate import generated, history_of, refused, stale
from qingdan.identity import reveal_json
from qingdan.json_schemas import all_schemas
from qingdan.topics import ALL, FAMILIES

PACKAGE = Path(qingdan.__file__).parent
VECTORS = sorted((PACKAGE / "vectors").rglob("*.json"))
SCHEMAS = sorted((PACKAGE / "schemas").rglob("*.json"))
ASYNCAPI = json.loads((PACKAGE / "asyncapi.json").read_text(encoding="utf-8"))


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_nothing_that_is_generated_is_stale() -> None:
    outdated = stale(PACKAGE, generated(PACKAGE, all_schemas(), EXAMPLES))
    assert not outdated, f"run `make schemas`: {outdated}"


def test_no_earlier_reader_or_writer_is_broken() -> None:
    assert refused(PACKAGE, all_schemas()) == []


def test_every_schema_has_a_history_and_every_event_a_vector() -> None:
    schemas = all_schemas()
    assert {path.stem for path in (PACKAGE / "schemas").glob("*.json")} == set(schemas)
    assert {path.stem for path in (PACKAGE / "vectors").glob("*.json")} == set(EXAMPLES)
    for name in schemas:
        numbers = [int(path.stem) for path in history_of(PACKAGE, name)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers, name


@pytest.mark.parametrize("path", SCHEMAS, ids=name_of)
def test_a_schema_is_valid_json_schema(path: Path) -> None:
    Draft202012Validator.check_schema(load(path))


@pytest.mark.parametrize("path", VECTORS, ids=name_of)
def test_todays_code_decodes_every_vector_ever_committed(path: Path) -> None:
    vector = load(path)
    value = base64.b64decode(vector["value_base64"])
    assert value.decode() == vector["value_text"]
    headers = [(name, text.encode()) for name, text in vector["headers"]]
    envelope = from_record(vector["topic"], vector["key"].encode(), value, headers)
    assert envelope.type == vector["type"]
    written = json.loads(envelope.data.model_dump_json())
    assert still_there(vector["data"], written) == vector["data"]


def still_there(promised: Any, written: Any) -> Any:
    """What is written, without the members that have come since, at any depth."""
    if isinstance(promised, dict) and isinstance(written, dict):
        return {name: still_there(value, written[name]) for name, value in promised.items() if name in written}
    if isinstance(promised, list) and isinstance(written, list) and len(promised) == len(written):
        return [still_there(*both) for both in zip(promised, written, strict=True)]
    return written


@pytest.mark.parametrize("path", VECTORS, ids=name_of)
def test_a_vector_is_valid_under_every_version_of_its_schema(path: Path) -> None:
    vector = load(path)
    today = load(PACKAGE / "schemas" / f"{vector['type']}.json")
    for schema in (today, *map(load, history_of(PACKAGE, vector["type"]))):
        assert list(Draft202012Validator(schema).iter_errors(vector["data"])) == []


@pytest.mark.parametrize("name", CLEAR_PAYLOADS)
def test_a_clear_payload_is_valid_under_its_schema(name: str) -> None:
    payload = CLEAR_PAYLOADS[name]
    schema = load(PACKAGE / "schemas" / f"{name}.json")
    Draft202012Validator(schema).validate(json.loads(reveal_json(payload)))
    assert type(payload).model_validate_json(reveal_json(payload), strict=True) == payload


def test_todays_writer_gives_todays_vectors_to_the_byte() -> None:
    for event in EXAMPLES.values():
        vector = load(PACKAGE / "vectors" / f"{event.type}.json")
        assert vector["value_text"] == event.model_dump_json()
        assert vector["key"] == example_envelope(event).key


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    found = set(references(ASYNCAPI))
    assert found
    for reference in found:
        if reference.startswith("./"):
            assert (PACKAGE / reference).is_file(), reference
            continue
        target = ASYNCAPI
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_the_asyncapi_document_has_every_topic_with_its_events() -> None:
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    channels = {channel["address"]: channel for channel in ASYNCAPI["channels"].values()}
    topics = [*ALL, *(family.template for family in FAMILIES)]
    assert channels.keys() == {topic.name.replace("<", "{").replace(">", "}") for topic in topics}
    for topic in topics:
        channel = channels[topic.name.replace("<", "{").replace(">", "}")]
        assert set(channel["messages"]) == set(topic.types)
        assert channel["bindings"]["kafka"]["partitions"] == topic.partitions
        assert ("{" in channel["address"]) == ("parameters" in channel)
        assert set(channel.get("parameters", {})) == {
            part.strip("{}") for part in channel["address"].split(".") if part.startswith("{")
        }


def test_the_contracts_import_pydantic_and_nothing_else() -> None:
    imported = {line.split()[1].split(".")[0] for line in import_lines()}
    assert imported - set(sys.stdlib_module_names) <= {"qingdan", "pydantic", "pydantic_core"}


def import_lines() -> Iterator[str]:
    for module in PACKAGE.glob("*.py"):
        for line in module.read_text(encoding="utf-8").splitlines():
            if line.startswith(("import ", "from ")):
                yield line
