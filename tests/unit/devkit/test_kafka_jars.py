"""Kafka's jars are the pinned ones, or nothing starts and the message names the jar and the remedy."""

import re
from pathlib import Path, PurePosixPath

import pytest

from devkit import kafka_jars

CLIENTS = PurePosixPath("org/apache/kafka/kafka-clients/4.3.0/kafka-clients-4.3.0.jar")
SERVER = PurePosixPath("org/apache/kafka/kafka-server/4.3.0/kafka-server-4.3.0.jar")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for path in (CLIENTS, SERVER):
        (tmp_path / path.name).write_text(f"content of {path.name}")
    return tmp_path


@pytest.fixture
def pins(store: Path) -> Path:
    file = store / "pins.sha256"
    file.write_text("".join(f"{kafka_jars.sha256(store / path.name)}  {path}\n" for path in (CLIENTS, SERVER)))
    return file


def test_jars_as_pinned_are_given_in_order_without_fetching(store: Path, pins: Path) -> None:
    said: list[str] = []
    found = kafka_jars.jars(said.append, pins=pins, store=store)
    assert found == [store / CLIENTS.name, store / SERVER.name]
    assert said == []


def test_a_changed_jar_is_named_with_both_hashes_its_file_and_the_remedy(store: Path, pins: Path) -> None:
    jar = store / CLIENTS.name
    pinned = kafka_jars.sha256(jar)
    jar.write_text("something else")
    with pytest.raises(kafka_jars.JarMismatchError) as refused:
        kafka_jars.jars(pins=pins, store=store)
    message = str(refused.value)
    assert message.startswith(f"{CLIENTS.name}: its SHA-256 is {kafka_jars.sha256(jar)}, pinned is {pinned}")
    assert str(jar) in message
    assert "kafka-jars --write" in message
    assert SERVER.name not in message


def test_a_fetched_jar_that_differs_never_reaches_the_store(
    store: Path, pins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / CLIENTS.name).unlink()
    spoilt = tmp_path / "spoilt.jar"
    spoilt.write_text("spoilt on the way")
    monkeypatch.setattr(kafka_jars, "fetch", lambda paths, progress: dict.fromkeys(paths, spoilt))
    with pytest.raises(kafka_jars.JarMismatchError, match=re.escape(CLIENTS.name)):
        kafka_jars.jars(pins=pins, store=store)
    assert not (store / CLIENTS.name).exists()


def test_only_what_is_missing_is_fetched(
    store: Path, pins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tmp_path / "elsewhere.jar"
    (store / SERVER.name).rename(good)
    asked: list[PurePosixPath] = []

    def fetch(paths: list[PurePosixPath], progress: kafka_jars.Progress) -> dict[PurePosixPath, Path]:
        asked.extend(paths)
        return dict.fromkeys(paths, good)

    monkeypatch.setattr(kafka_jars, "fetch", fetch)
    assert len(kafka_jars.jars(pins=pins, store=store)) == 2
    assert asked == [SERVER]


def test_the_committed_pins_are_of_one_kafka_and_name_no_jar_twice() -> None:
    pins = kafka_jars.read_pins()
    versions = {path.parts[-2] for path in pins if path.parts[:3] == ("org", "apache", "kafka")}
    assert versions == {kafka_jars.KAFKA_VERSION}
    assert len({path.parts[-3] for path in pins}) == len(pins)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in pins.values())
