"""Generated files are exact, and an incompatible change does not get past the generator."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from qingdan.examples import EXAMPLES
from qingdan.generate import generated, history_of, main, refused, stale, write
from qingdan.json_schemas import all_schemas

NAME = "share.claimed.v1"
ONE = {NAME: all_schemas()[NAME]}


def with_field(name: str, *, required: bool) -> dict[str, dict[str, Any]]:
    schemas = copy.deepcopy(ONE)
    schemas[NAME]["properties"][name] = {"type": "string"}
    if required:
        schemas[NAME]["required"].append(name)
    return schemas


def test_what_was_written_is_not_stale_and_writing_again_changes_nothing(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert main(["--check"], tmp_path) == 0
    assert main([], tmp_path) == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


def test_a_stale_file_is_named_with_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], tmp_path)
    (tmp_path / "vectors" / f"{NAME}.json").write_text("{}", encoding="utf-8")
    (tmp_path / "schemas" / "left.over.v1.json").write_text("{}", encoding="utf-8")
    (tmp_path / "asyncapi.json").unlink()
    assert main(["--check"], tmp_path) == 1
    named = [line.split(" is stale: run `make schemas`")[0] for line in capsys.readouterr().err.splitlines()]
    assert named == ["asyncapi.json", "schemas/left.over.v1.json", f"vectors/{NAME}.json"]
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0


def test_a_compatible_change_adds_a_version_to_the_history(tmp_path: Path) -> None:
    write(tmp_path, generated(tmp_path, ONE, EXAMPLES))
    assert len(history_of(tmp_path, NAME)) == 1
    longer = with_field("remark", required=False)
    assert refused(tmp_path, longer) == []
    files = generated(tmp_path, longer, EXAMPLES)
    assert f"schemas/history/{NAME}/0002.json" in stale(tmp_path, files)
    write(tmp_path, files)
    assert [path.name for path in history_of(tmp_path, NAME)] == ["0001.json", "0002.json"]
    assert (tmp_path / "vectors" / "history" / NAME / "0002.json").exists()


def test_other_words_add_no_version(tmp_path: Path) -> None:
    write(tmp_path, generated(tmp_path, ONE, EXAMPLES))
    reworded = copy.deepcopy(ONE)
    reworded[NAME]["description"] = "Other words."
    assert stale(tmp_path, generated(tmp_path, reworded, EXAMPLES)) == [f"schemas/{NAME}.json"]


def test_an_incompatible_change_is_refused_with_the_remedy(tmp_path: Path) -> None:
    write(tmp_path, generated(tmp_path, ONE, EXAMPLES))
    ((version, violation),) = refused(tmp_path, with_field("remark", required=True))
    assert version == f"schemas/history/{NAME}/0001.json"
    assert (violation.path, violation.rule) == ("$.remark", "required_field_added")
    assert violation.remedy == "make it optional, or publish share.claimed.v2 on a new topic"


def test_every_earlier_version_counts_not_only_the_last(tmp_path: Path) -> None:
    write(tmp_path, generated(tmp_path, ONE, EXAMPLES))
    write(tmp_path, generated(tmp_path, with_field("remark", required=False), EXAMPLES))
    # Compatible with the first version, which had no remark; a reader of the second one would lose it.
    assert [version for version, _ in refused(tmp_path, ONE)] == [f"schemas/history/{NAME}/0002.json"]


def test_an_event_that_was_published_does_not_disappear(tmp_path: Path) -> None:
    write(tmp_path, generated(tmp_path, ONE, EXAMPLES))
    assert [violation.rule for _, violation in refused(tmp_path, {})] == ["event_removed"]


def test_the_command_refuses_what_broke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], tmp_path)
    (earlier,) = history_of(tmp_path, NAME)
    schema = json.loads(earlier.read_text(encoding="utf-8"))
    schema["properties"]["remark"] = {"type": "string"}
    earlier.write_text(json.dumps(schema), encoding="utf-8")
    for arguments in ([], ["--check"]):
        assert main(arguments, tmp_path) == 1
        assert "$.remark: field_removed: put the field back" in capsys.readouterr().err
    assert main(["--wrong"], tmp_path) == 2
