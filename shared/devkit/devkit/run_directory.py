"""One run of anything that starts processes: its directory under `var/`, its logs, and that all of it ends."""

import atexit
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from devkit import reaper
from devkit.paths import var_dir

RUNS_KEPT = 5  # finished runs whose logs stay for a look
SERVICES, INFRASTRUCTURE = 0, 1  # stages: what ends first

_children: dict[int, subprocess.Popen[bytes]] = {}  # ours to collect, so that none stays a zombie


@atexit.register
def _leave_to_the_reaper() -> None:
    """What still runs when we end is ended by the reaper: Python need not warn that we did not wait for it."""
    for child in [*_children.values(), *_reapers.values()]:
        if child.poll() is None:
            child.returncode = 0


class ProcessFailedError(RuntimeError):
    """A process did not start, or ended by itself; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class RunProcess:
    """A process of a run, known by its record; any process that has joined the run may stop it."""

    record: reaper.Record
    log: Path

    @property
    def pid(self) -> int:
        return self.record.pid

    def is_alive(self) -> bool:
        child = _children.get(self.pid)
        if child is not None:  # until its exit code is there: one of many threads may be gone before the others
            return child.poll() is None
        return reaper.is_alive(self.record)

    def exit_code(self) -> int | None:
        """The exit code (negative: the signal) once it has ended, if this process is its parent."""
        child = _children.get(self.pid)
        return child.poll() if child is not None else None

    def terminate(self, timeout_s: float | None = None) -> None:
        """Ask it to stop, wait, and kill its group when it outlasts `timeout_s`."""
        patience_s = self.record.patience_s if timeout_s is None else timeout_s
        reaper.stop_together([self.record._replace(patience_s=patience_s)])
        self._collect()

    def kill(self) -> None:
        """SIGKILL to it and everything in its process group; returns when it is gone."""
        reaper.stop_together([self.record._replace(stop_signal=signal.SIGKILL, patience_s=0.0)])
        self._collect()

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def pss_bytes(self) -> int:
        """Memory of the process and all that descends from it; shared pages are counted once over all. 0 when gone."""
        from devkit.memory import pss_bytes  # noqa: PLC0415  only whoever measures pays for psutil

        return pss_bytes(self.pid)

    def log_tail(self, lines: int = 25) -> str:
        return tail(self.log, lines)

    def failure(self, what: str) -> ProcessFailedError:
        code = self.exit_code()
        ending = "" if code is None else f" (exit code {code})"
        return ProcessFailedError(f"{self.record.name} {what}{ending}; the end of {self.log}:\n{self.log_tail()}")

    def _collect(self) -> None:
        child = _children.get(self.pid)
        if child is not None:
            child.wait()
        deadline = time.monotonic() + 10.0
        while reaper.is_alive(self.record) and time.monotonic() < deadline:
            time.sleep(0.01)


class RunDirectory:
    """`var/run-<name>/` with `logs/`, `processes/` and a lock whose owner, when it goes, takes all processes along."""

    def __init__(self, path: Path, lock: IO[str] | None) -> None:
        self.path = path
        self.lock = lock

    @classmethod
    def own(cls, name: str) -> Self:
        """Begin a run. Raises RuntimeError when a living process owns a run of that name."""
        path = var_dir() / f"run-{name}"
        for part in ("logs", reaper.RECORDS):
            (path / part).mkdir(parents=True, exist_ok=True)
        lock = (path / reaper.LOCK).open("a+")
        _take(lock, path)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        reaper.stop_all(path)  # what an earlier owner of that name left behind
        return cls(path, lock)

    @classmethod
    def join(cls, path: Path) -> Self:
        """Take part in a run that another process owns."""
        return cls(path, None)

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def spawn(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        account: pwd.struct_passwd | None = None,
        stage: int = SERVICES,
        stop_signal: int = signal.SIGTERM,
        patience_s: float = 10.0,
    ) -> RunProcess:
        """Start a program in a session of its own, output to `logs/<name>.log`, recorded so that it ends with us."""
        self._ensure_reaper()
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            child = subprocess.Popen(
                [str(word) for word in argv],
                env=dict(env) if env is not None else None,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **as_account(account),
            )
        _children[child.pid] = child
        mark = reaper.start_mark(child.pid) or ""
        record = reaper.Record(name, child.pid, mark, stage, int(stop_signal), patience_s)
        written = self.path / reaper.RECORDS / f"{name}.json"
        written.with_suffix(".new").write_text(json.dumps(record._asdict()))
        written.with_suffix(".new").rename(written)
        return RunProcess(record, log)

    def process(self, name: str) -> RunProcess | None:
        """The process of that name as recorded, alive or not; None when there was none."""
        record = self.path / reaper.RECORDS / f"{name}.json"
        if not record.exists():
            return None
        return RunProcess(reaper.Record(**json.loads(record.read_text())), self.logs / f"{name}.log")

    def pss_bytes(self) -> int:
        """Memory of all processes of the run, the reaper's included."""
        from devkit.memory import pss_bytes  # noqa: PLC0415

        written = self.path / "reaper.pid"
        watcher = [int(written.read_text().split()[0])] if written.exists() else []
        return sum(pss_bytes(pid) for pid in (*watcher, *(record.pid for record in reaper.read_records(self.path))))

    def remove_at_end(self, directory: Path) -> None:
        """A directory that goes with the run, even when the owner is killed."""
        with (self.path / reaper.DISCARD).open("a") as listed:
            listed.write(f"{directory}\n")

    def end_services(self) -> None:
        """Stop the services and leave what they stand on."""
        reaper.stop_together([record for record in reaper.read_records(self.path) if record.stage == SERVICES])

    def end(self) -> None:
        """Stop every process, remove what was to go, and let go of the run; only logs stay."""
        reaper.stop_all(self.path)
        for child in list(_children.values()):
            child.poll()
        if self.lock is not None:
            self.lock.close()
            self.lock = None
        watcher = _reapers.pop(self.path, None)
        if watcher is not None:
            watcher.wait()
        _prune_old_runs()

    def _ensure_reaper(self) -> None:
        """One reaper per run, started with its first process, by whoever starts that."""
        with (self.path / "reaper.pid").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            pid, _, mark = file.read().strip().partition(" ")
            if pid and reaper.start_mark(int(pid)) == mark:
                return
            watcher = subprocess.Popen(
                [sys.executable, "-I", str(Path(reaper.__file__)), str(self.path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            _reapers[self.path] = watcher
            file.truncate(0)
            file.write(f"{watcher.pid} {reaper.start_mark(watcher.pid)}")


_reapers: dict[Path, subprocess.Popen[bytes]] = {}


def _take(lock: IO[str], path: Path) -> None:
    """Take the run's lock; while the reaper of a dead owner still holds it, wait for it to finish."""
    deadline = time.monotonic() + 30.0
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            if time.monotonic() > deadline or (owner and reaper.start_mark(int(owner)) is not None):
                lock.close()
                raise RuntimeError(f"{path} belongs to the running process {owner}: stop it, or `make down`") from None
            time.sleep(0.05)


def as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments for subprocess that drop root's rights for those of `account`."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def tail(log: Path, lines: int = 25) -> str:
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def end_abandoned_runs() -> list[Path]:
    """Stop what runs without a living owner left behind; returns their directories that still had processes."""
    ended = []
    for path in sorted(var_dir().glob("run-*")):
        if not (path / reaper.LOCK).exists():
            continue
        with (path / reaper.LOCK).open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if reaper.read_records(path):
                ended.append(path)
            reaper.stop_all(path)
    return ended


def _prune_old_runs() -> None:
    runs = sorted(var_dir().glob("run-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in runs[RUNS_KEPT:]:
        lock_path = path / reaper.LOCK
        if not lock_path.exists():
            continue
        with lock_path.open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(path, ignore_errors=True)
