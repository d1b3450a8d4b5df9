"""The whole stack: comes up, says where everything is, goes without a trace; also by Ctrl-C, a crash and `down`."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from devkit import paths, reaper
from devkit.eventually import eventually_sync
from devkit.keys import BANK
from devkit.memory import PeakMemory
from devkit.postgres import Postgres
from devkit.run_directory import ProcessFailedError, RunDirectory
from devkit.stack import Stack
from devkit.surroundings import GivenDatabase, Surroundings
from qingdan.topics import TASKS, in_bank, to_bank

HERE = str(Path(__file__).parent)
EXTRA = {"stand_in": {"PYTHONPATH": HERE}}


@pytest.fixture
def own_var(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `var/` of the test's own that everybody may enter, with the workspace's cache; all ends with the test."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name).resolve()
        directory.chmod(0o755)
        (directory / "cache").symlink_to(paths.cache_dir())
        monkeypatch.setenv("QINGDAN_VAR", name)
        yield directory
        subprocess.run([sys.executable, "-m", "devkit", "down"], check=True, capture_output=True)


def test_data_is_not_kept_where_the_databases_account_may_not_enter(own_var: Path, kafka: str) -> None:
    own_var.chmod(0o700)
    with _up(kafka) as up:
        _read_until(up, "Ctrl-C stops everything")
        os.kill(up.pid, signal.SIGINT)
        up.communicate(timeout=60)
    assert up.returncode == 0
    assert (own_var / "data").exists() == (os.geteuid() != 0)


async def test_a_fresh_stack_comes_up_and_goes_without_a_trace(own_var: Path) -> None:
    async with Stack(["stand_in"], extra=EXTRA, surroundings=Surroundings()) as stack:
        seen = _get(f"{stack.url('stand_in')}/environment")
        connection = await asyncpg.connect(seen["DATABASE_URL"])
        assert await connection.fetchval("SELECT current_user") == "stand_in_app"
        await connection.close()
        admin = AIOKafkaAdminClient(bootstrap_servers=seen["KAFKA_BOOTSTRAP_SERVERS"])
        await admin.start()
        assert TASKS.name in await admin.list_topics()
        await admin.close()
        assert _get(seen["OIDC_JWKS_URL"]) == stack.issuer.jwks()
        with PeakMemory(stack.pss_bytes) as memory:
            parts = stack.kafka.pss_bytes() + stack.postgres.pss_bytes() + stack.process("stand_in").pss_bytes()
        assert memory.peak_bytes > parts > 50_000_000
        assert stack.seconds.keys() == {"kafka", "postgres", "migrations", "issuer", "services"}
        records = reaper.read_records(stack.run.path)
    assert [record.name for record in records if reaper.is_alive(record)] == []
    assert sorted(path.name for path in stack.run.path.iterdir() if path.is_dir()) == ["logs", "processes"]


async def test_a_bank_comes_with_its_topics_keys_and_book(own_var: Path, kafka: str, topic_prefix: str) -> None:
    given = Surroundings(kafka)
    async with Stack(["stand_in"], extra=EXTRA, surroundings=given, topic_prefix=topic_prefix, bank=True) as stack:
        assert stack.bank.is_alive()
        assert stack.bank_book().model_dump() == {"settled": 0, "paid_fen": 0, "paid_twice": 0}
        assert stack.keys.bank.recipient == f"bank:{BANK}"
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        assert {topic_prefix + topic(BANK).name for topic in (in_bank, to_bank)} <= set(await admin.list_topics())
        await admin.close()
        name = stack.bank.name
    assert name not in {record.name for record in reaper.read_records(stack.run.path)}
    assert not (stack.data / "bank").exists()
    assert not (stack.data / "keys").exists()


async def test_a_stack_without_subsidy_has_no_bank(own_var: Path, kafka: str, topic_prefix: str) -> None:
    given = Surroundings(kafka)
    async with Stack(["stand_in"], extra=EXTRA, surroundings=given, topic_prefix=topic_prefix, topics=[]) as stack:
        assert not (stack.data / "keys").exists()
        with pytest.raises(RuntimeError, match="no bank"):
            stack.bank.start()


async def test_a_replica_shares_the_services_database(own_var: Path, kafka: str, topic_prefix: str) -> None:
    given = Surroundings(kafka)
    async with Stack(["stand_in"], extra=EXTRA, surroundings=given, topic_prefix=topic_prefix, topics=[]) as stack:
        replica = stack.replica("stand_in", "stand_in-2", extra={"PARTS": "relay"})
        replica.start()
        seen = _get(f"{stack.url('stand_in-2')}/environment")
        assert (seen["DATABASE_URL"], seen["PARTS"]) == (stack.database("stand_in").app_url, "relay")


def test_a_stack_that_cannot_start_leaves_nothing_running(own_var: Path, kafka: str) -> None:
    broken = {"stand_in": EXTRA["stand_in"] | {"STAND_IN": "cannot-migrate"}}
    stack = Stack(["stand_in"], extra=broken, surroundings=Surroundings(kafka), topics=[])
    with pytest.raises(ProcessFailedError, match="relation share does not exist"):
        stack.start()
    assert reaper.read_records(stack.run.path) == []


async def test_what_is_given_is_used_and_nothing_of_ours_is_started(
    own_var: Path, kafka: str, postgres: Postgres, topic_prefix: str
) -> None:
    database = await postgres.provision("stand_in")
    given = Surroundings(kafka, {"stand_in": GivenDatabase(database.app_url, database.owner_url)})
    async with Stack(["stand_in"], extra=EXTRA, surroundings=given, topic_prefix=topic_prefix) as stack:
        seen = _get(f"{stack.url('stand_in')}/environment")
        started = {record.name for record in reaper.read_records(stack.run.path)}
    assert (seen["KAFKA_BOOTSTRAP_SERVERS"], seen["DATABASE_URL"]) == (kafka, database.app_url)
    assert started == {"issuer", "stand_in", "stand_in-migrate"}


def test_ctrl_c_of_up_stops_everything_and_keeps_the_data(own_var: Path) -> None:
    with _up() as up:
        shown = _read_until(up, "Ctrl-C stops everything")
        pids = _pids(own_var)
        token_address = re.search(r"http://127\.0\.0\.1:\d+/token", shown)
        assert token_address is not None
        assert _get(token_address[0], b"username=operator")["token_type"] == "Bearer"
        os.kill(up.pid, signal.SIGINT)
        rest, _ = up.communicate(timeout=60)
    assert up.returncode == 0, rest
    assert "everything is stopped" in rest
    assert {"kafka", "postgres", "issuer", "stand_in"} <= pids.keys()
    assert [name for name, pid in pids.items() if reaper.start_mark(pid) is not None] == []
    assert (own_var / "data" / "kafka" / "data" / "meta.properties").exists()
    assert (own_var / "data" / "postgres" / "data" / "PG_VERSION").exists()


def test_ctrl_c_while_it_starts_leaves_nothing_running(own_var: Path) -> None:
    with _up() as up:
        eventually_sync(lambda: {"postgres", "kafka"} <= _pids(own_var).keys(), every_s=0.01, what="it has begun")
        pids = _pids(own_var)
        os.kill(up.pid, signal.SIGINT)
        said, _ = up.communicate(timeout=60)
    assert up.returncode == 130, said
    assert [name for name, pid in pids.items() if reaper.start_mark(pid) is not None] == []


def test_down_ends_a_running_up(own_var: Path, kafka: str) -> None:
    with _up(kafka) as up:
        _read_until(up, "Ctrl-C stops everything")
        pids = _pids(own_var)
        subprocess.run([sys.executable, "-m", "devkit", "down"], check=True, capture_output=True, timeout=60)
        assert up.wait(timeout=30) == 0
    assert [name for name, pid in pids.items() if reaper.start_mark(pid) is not None] == []


def test_nothing_outlives_an_up_that_is_killed(own_var: Path, kafka: str) -> None:
    with _up(kafka) as up:
        _read_until(up, "Ctrl-C stops everything")
        pids = _pids(own_var)
        up.kill()
        up.communicate()
    eventually_sync(
        lambda: [name for name, pid in pids.items() if reaper.start_mark(pid) is not None] == [],
        timeout_s=60.0,
        what="all processes are gone",
    )


def test_a_service_that_ends_by_itself_ends_up_with_its_log(own_var: Path, kafka: str) -> None:
    with _up(kafka) as up:
        _read_until(up, "Ctrl-C stops everything")
        os.kill(_pids(own_var)["stand_in"], signal.SIGKILL)
        rest, _ = up.communicate(timeout=60)
    assert up.returncode == 1
    assert "stand_in ended" in rest


def test_two_ups_do_not_disturb_each_other(own_var: Path, kafka: str) -> None:
    running = RunDirectory.own("up")
    with _up(kafka) as up:
        said, _ = up.communicate(timeout=30)
    assert up.returncode == 1
    assert "belongs to the running process" in said.replace("\n", " ")
    running.end()


def _up(bootstrap: str = "") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "devkit", "up", "--service", "stand_in"],
        env=os.environ | {"PYTHONPATH": HERE, "COLUMNS": "200", "KAFKA_BOOTSTRAP_SERVERS": bootstrap},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _get(address: str, form: bytes | None = None) -> dict[str, Any]:
    with urllib.request.urlopen(address, data=form) as answer:
        document: dict[str, Any] = json.load(answer)
        return document


def _read_until(up: "subprocess.Popen[str]", words: str) -> str:
    assert up.stdout is not None
    shown = []
    for line in up.stdout:
        shown.append(line)
        if words in line:
            return "".join(shown)
    raise AssertionError(f"it never said {words!r}, but: {''.join(shown)}")


def _pids(own_var: Path) -> dict[str, int]:
    return {record.name: record.pid for record in reaper.read_records(own_var / "run-up")}
