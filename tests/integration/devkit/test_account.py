"""PostgreSQL starts for root too, and where only root may enter, without opening anybody's directories."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from devkit import account
from devkit.postgres import Postgres
from devkit.run_directory import RunDirectory


@pytest.fixture
def run() -> Iterator[RunDirectory]:
    directory = RunDirectory.own(f"tests-{uuid.uuid4().hex[:8]}")
    yield directory
    directory.end()
    shutil.rmtree(directory.path)


async def test_it_starts_below_a_directory_that_only_its_owner_may_enter(run: RunDirectory, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = Postgres(closed / "postgres", run, name="closed", durable=False)
    server.start()
    assert await _version(server) == 18
    run.end()
    assert closed.stat().st_mode & 0o777 == 0o700
    assert not server.is_running()


async def test_it_starts_where_the_account_can_reach_nothing_of_ours(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "can_reach", lambda *_: False)
    server = Postgres(tmp_path / "postgres", run, name="unreachable", durable=False)
    server.start()
    assert await _version(server) == 18
    elsewhere = [Path(line) for line in (run.path / "discard").read_text().splitlines()] if os.geteuid() == 0 else []
    run.end()
    assert [path for path in elsewhere if path.exists()] == []


def test_root_steps_down_and_others_stay_who_they_are() -> None:
    chosen = account.unprivileged_account()
    assert (chosen is None) == (os.geteuid() != 0)
    assert chosen is None or chosen.pw_uid != 0


async def _version(server: Postgres) -> int:
    connection = await asyncpg.connect(server.superuser_url)
    try:
        return connection.get_server_version().major
    finally:
        await connection.close()
