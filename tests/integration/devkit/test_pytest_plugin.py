"""One PostgreSQL for all workers of a test run, and nothing of it left, however the run ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devkit import paths, reaper
from devkit.eventually import eventually_sync

TESTS = """
import json, os, pathlib, signal
import pytest

SEEN = pathlib.Path(__file__).parent

@pytest.mark.parametrize("number", range(6))
def test_uses_postgres(number, postgres, make_database):
    made = make_database("empty").name
    (SEEN / f"seen-{number}.json").write_text(json.dumps({
        "pid": postgres.process.pid, "worker": os.environ.get("PYTEST_XDIST_WORKER"), "database": made}))

def test_hangs_when_told(postgres):
    (SEEN / "postgres.pid").write_text(str(postgres.process.pid))
    if "HANG" in os.environ:
        (SEEN / "hangs").touch()
        signal.pause()

def test_fails_when_told(postgres):
    assert "FAIL" not in os.environ
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "test_inner.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "cache").symlink_to(paths.cache_dir())
    return tmp_path


def test_workers_share_one_server_and_every_test_has_its_own_database(project: Path) -> None:
    inner = _pytest(project, "-n2")
    said, _ = inner.communicate(timeout=90)
    assert inner.returncode == 0, said
    seen = [json.loads(path.read_text()) for path in sorted(project.glob("seen-*.json"))]
    assert len({each["pid"] for each in seen}) == 1
    assert len({each["worker"] for each in seen}) == 2
    assert len({each["database"] for each in seen}) == 6
    assert reaper.start_mark(seen[0]["pid"]) is None
    assert list((project / "var").glob("run-*")) == []


def test_logs_stay_when_a_test_failed(project: Path) -> None:
    inner = _pytest(project, FAIL="yes")
    said, _ = inner.communicate(timeout=90)
    assert inner.returncode == 1, said
    (run,) = (project / "var").glob("run-*")
    assert (run / "logs" / "postgres.log").exists()
    assert not (run / "postgres").exists()
    assert reaper.start_mark(int((project / "postgres.pid").read_text())) is None


@pytest.mark.parametrize(
    ("options", "number"),
    [((), signal.SIGINT), (("-n2",), signal.SIGINT), (("-n2",), signal.SIGKILL)],
    ids=["alone-interrupted", "workers-interrupted", "workers-killed"],
)
def test_nothing_outlives_a_run_that_is_interrupted_or_killed(
    project: Path, options: tuple[str, ...], number: signal.Signals
) -> None:
    inner = _pytest(project, *options, HANG="yes")
    eventually_sync((project / "hangs").exists, timeout_s=60.0, what="the inner run hangs")
    server = int((project / "postgres.pid").read_text())
    assert reaper.start_mark(server) is not None
    os.killpg(inner.pid, number) if number == signal.SIGINT else inner.kill()  # Ctrl-C reaches the whole group
    eventually_sync(lambda: reaper.start_mark(server) is None, timeout_s=60.0, what="the server is gone")
    os.killpg(inner.pid, signal.SIGKILL)  # workers that still hang in their test
    inner.communicate()


def _pytest(project: Path, *options: str, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "devkit.pytest_plugin",
            "-p",
            "xdist",
            *options,
        ],
        cwd=project,
        env=os.environ | {"QINGDAN_VAR": str(project / "var"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
