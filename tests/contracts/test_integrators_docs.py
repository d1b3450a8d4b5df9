"""What the page for integrators says is true, and its subscriber works as it stands there."""

import json
import re
import runpy
import sqlite3
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import qingdan
from qingdan.envelope import VALUE_BYTES_MAX
from qingdan.topics import ALL, DAY_MS, FAMILIES

PAGE = (Path(__file__).parents[2] / "docs" / "integrators.md").read_text(encoding="utf-8")
VECTORS = Path(qingdan.__file__).parent / "vectors"


@pytest.fixture(scope="module")
def subscriber(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names of the page's only Python program."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path_factory.mktemp("docs") / "subscriber.py"
    path.write_text(program, encoding="utf-8")
    return runpy.run_path(str(path))


@pytest.fixture
def db(subscriber: dict[str, Any]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(subscriber["TABLES"])
    return connection


def record(event_type: str, **changed: object) -> SimpleNamespace:
    vector = json.loads((VECTORS / f"{event_type}.json").read_text(encoding="utf-8"))
    fields = {
        "topic": vector["topic"],
        "partition": 0,
        "offset": 7,
        "key": vector["key"].encode(),
        "value": vector["value_text"].encode(),
        "headers": [(name, text.encode()) for name, text in vector["headers"]],
    }
    return SimpleNamespace(**(fields | changed))


def rows(db: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    return db.execute(f"SELECT * FROM {table}").fetchall()


def test_the_subscriber_keeps_a_claim_once(subscriber: dict[str, Any], db: sqlite3.Connection) -> None:
    for _ in range(2):
        subscriber["take"](db, record("share.claimed.v1"))
    ((_, village, due_on),) = rows(db, "claim")
    assert (village, due_on) == ("130431105201", "2021-08-25")
    assert len(rows(db, "seen")) == 1


def test_the_subscriber_passes_over_other_and_unknown_events(
    subscriber: dict[str, Any], db: sqlite3.Connection
) -> None:
    subscriber["take"](db, record("task.published.v1"))
    headers = [
        (name, b"share.praised.v1" if name == "ce_type" else raw) for name, raw in record("share.claimed.v1").headers
    ]
    subscriber["take"](db, record("share.claimed.v1", headers=headers))
    assert (rows(db, "claim"), rows(db, "bad")) == ([], [])


def test_the_subscriber_puts_bad_records_aside(subscriber: dict[str, Any], db: sqlite3.Connection) -> None:
    subscriber["take"](db, record("share.claimed.v1", value=None))
    assert rows(db, "bad") == [("pub.tasks.v1/0/7", "tombstone")]
    assert rows(db, "claim") == []


def test_the_page_names_every_topic_that_outsiders_meet() -> None:
    named = Counter(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE))
    topics = [*ALL, *(family.template for family in FAMILIES)]
    assert {name for name in named if "." in name} == {
        topic.name for topic in topics if not topic.name.startswith("int.")
    }


def test_the_page_names_every_header_that_is_written() -> None:
    written = {name for name, _ in record("share.claimed.v1").headers}
    assert all(f"`{name}`" in PAGE for name in written)


def test_the_page_tells_the_limits_that_the_code_has() -> None:
    assert VALUE_BYTES_MAX == 256 * 1024
    assert "at most 256 KiB" in PAGE
    kept = {topic.name: topic.retention_ms for topic in ALL if topic.name.startswith("pub.")}
    forever = {"pub.access.v1", "pub.assessment.v1", "pub.records.v1", "pub.audit.anchors.v1"}
    assert {name for name, retention_ms in kept.items() if retention_ms is None} == forever
    assert {retention_ms for retention_ms in kept.values() if retention_ms is not None} == {400 * DAY_MS}
