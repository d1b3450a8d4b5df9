"""Services as processes: ready or a clear error, ended with all their children, never left behind."""

import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit import reaper
from devkit.eventually import eventually_sync
from devkit.processes import ServiceProcess, Wiring, migrate
from devkit.run_directory import ProcessFailedError, RunDirectory, end_abandoned_runs

HERE = Path(__file__).parent
WIRING = Wiring(
    app_url="postgresql://app@127.0.0.1:1/none",
    owner_url="postgresql://owner@127.0.0.1:1/none",
    bootstrap="127.0.0.1:1",
    issuer_url="http://127.0.0.1:1",
    jwks_url="http://127.0.0.1:1/jwks.json",
    topic_prefix="t.",
    extra={"PYTHONPATH": str(HERE)},
)


@pytest.fixture
def run() -> Iterator[RunDirectory]:
    directory = RunDirectory.own(f"tests-{uuid.uuid4().hex[:8]}")
    yield directory
    directory.end()
    shutil.rmtree(directory.path, ignore_errors=True)


def test_a_process_is_wired_by_its_environment_and_ready(run: RunDirectory) -> None:
    service = ServiceProcess(run, "stand_in", WIRING)
    service.start({"PARTS": "http"})
    with urllib.request.urlopen(f"{service.url}/environment") as answer:
        seen = json.load(answer)
    assert seen.items() >= {
        ("DATABASE_URL", WIRING.app_url),
        ("MIGRATION_DATABASE_URL", WIRING.owner_url),
        ("KAFKA_BOOTSTRAP_SERVERS", WIRING.bootstrap),
        ("KAFKA_TOPIC_PREFIX", "t."),
        ("OIDC_ISSUER", WIRING.issuer_url),
        ("OIDC_AUDIENCE", "qingdan"),
        ("OIDC_JWKS_URL", WIRING.jwks_url),
        ("PARTS", "http"),
    }


def test_leftover_variables_of_a_service_do_not_leak_in(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILPOINTS", "left over")
    assert "FAILPOINTS" not in WIRING.environment()


def test_sigterm_ends_it_with_its_own_exit_code(run: RunDirectory) -> None:
    service = ServiceProcess(run, "stand_in", WIRING)
    service.start()
    assert service.terminate() == 0
    assert not service.is_alive()


def test_a_stubborn_process_is_killed_when_patience_ends(run: RunDirectory) -> None:
    service = ServiceProcess(run, "stand_in", WIRING)
    service.start({"STAND_IN": "stubborn"})
    assert service.terminate(timeout_s=0.2) == -signal.SIGKILL


def test_a_process_that_ends_while_starting_shows_its_log(run: RunDirectory) -> None:
    service = ServiceProcess(run, "stand_in", WIRING)
    with pytest.raises(ProcessFailedError, match=r"(?s)exit code 3.*cannot read the responsibility list"):
        service.start({"STAND_IN": "ends"})


def test_a_process_that_is_never_ready_says_which_probe_and_why(run: RunDirectory) -> None:
    service = ServiceProcess(run, "stand_in", WIRING)
    with pytest.raises(ProcessFailedError, match=r"/readyz said 503 consumer has not joined"):
        service.start({"STAND_IN": "never-ready"}, timeout_s=1.0)


def test_it_keeps_its_address_over_a_restart(run: RunDirectory) -> None:
    service = ServiceProcess(run, "stand_in", WIRING)
    service.start()
    url, pid = service.url, service.pid
    service.restart()
    assert (service.url, service.is_alive()) == (url, True)
    assert service.pid != pid


def test_kill_takes_its_children_along(run: RunDirectory) -> None:
    service = ServiceProcess(run, "stand_in", WIRING)
    service.start({"STAND_IN": "with-child"})
    child = _child_of(service)
    service.kill()
    eventually_sync(lambda: reaper.start_mark(child) is None, what="the child is gone")


def test_memory_counts_the_children(run: RunDirectory) -> None:
    alone, family = (ServiceProcess(run, "stand_in", WIRING, name=name) for name in ("alone", "family"))
    alone.start()
    family.start({"STAND_IN": "with-child"})
    _child_of(family)
    eventually_sync(lambda: family.pss_bytes() > alone.pss_bytes() + 1_000_000, what="the child is counted")
    assert run.pss_bytes() > alone.pss_bytes() + family.pss_bytes()  # the reaper's few megabytes


def test_a_failed_migration_shows_its_log(run: RunDirectory) -> None:
    wiring = Wiring("", "", "", "", "", extra={"PYTHONPATH": str(HERE), "STAND_IN": "cannot-migrate"})
    with pytest.raises(ProcessFailedError, match=r"(?s)stand_in-migrate could not migrate.*relation share"):
        migrate(run, "stand_in", wiring)


def test_nothing_outlives_an_owner_that_is_killed() -> None:
    name = f"tests-{uuid.uuid4().hex[:8]}"
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, name, str(HERE)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert reaper.start_mark(pid) is not None
        owner.kill()
    eventually_sync(lambda: reaper.start_mark(pid) is None, what="the service is gone")
    run = RunDirectory.own(name)
    assert reaper.read_records(run.path) == []
    run.end()
    shutil.rmtree(run.path)


def test_two_owners_cannot_have_one_run(run: RunDirectory) -> None:
    with pytest.raises(RuntimeError, match="belongs to the running process"):
        RunDirectory.own(run.path.name.removeprefix("run-"))


def test_a_living_run_is_not_taken_for_abandoned(run: RunDirectory) -> None:
    service = ServiceProcess(run, "stand_in", WIRING)
    service.start()
    assert run.path not in end_abandoned_runs()
    assert service.is_alive()


OWNER = """
import sys
from devkit.processes import ServiceProcess, Wiring
from devkit.run_directory import RunDirectory

run = RunDirectory.own(sys.argv[1])
service = ServiceProcess(run, "stand_in", Wiring("", "", "", "", "", extra={"PYTHONPATH": sys.argv[2]}))
service.start()
print(service.pid, flush=True)
sys.stdin.read()
"""


def _child_of(service: ServiceProcess) -> int:
    found = eventually_sync(lambda: re.search(r"child=(\d+)", service.log_tail()))
    assert found is not None
    return int(found[1])
