"""Ends every process of a run when the run's owner is gone, whatever killed it; standard library only, so it is small.

Started as `python -I reaper.py RUN_DIRECTORY`. The owner holds a lock on `alive.lock`; the kernel gives the lock to the
reaper at the moment the owner dies, even by SIGKILL. A pipe or PR_SET_PDEATHSIG would bind the children to one process
or thread, but test workers share what one of them has started.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

LOCK = "alive.lock"
RECORDS = "processes"
DISCARD = "discard"


class Record(NamedTuple):
    """One process of a run, as written to `processes/<name>.json`."""

    name: str
    pid: int
    mark: str
    stage: int  # lower stages end first: services before the broker and the database that they use
    stop_signal: int
    patience_s: float


def start_mark(pid: int) -> str | None:
    """What tells a process from a later one with the same pid: its start time; None when it is gone or a zombie."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    answer = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


def is_alive(record: Record) -> bool:
    return start_mark(record.pid) == record.mark


def read_records(run: Path) -> list[Record]:
    return [Record(**json.loads(path.read_text())) for path in sorted((run / RECORDS).glob("*.json"))]


def stop_all(run: Path) -> None:
    """Stop the run's processes stage by stage, then remove what it asked to be removed with it."""
    records = read_records(run)
    for stage in sorted({record.stage for record in records}):
        stop_together([record for record in records if record.stage == stage])
    for record in records:
        (run / RECORDS / f"{record.name}.json").unlink(missing_ok=True)
    listed = run / DISCARD
    for line in listed.read_text().splitlines() if listed.exists() else []:
        shutil.rmtree(line, ignore_errors=True)
    listed.unlink(missing_ok=True)


def stop_together(records: list[Record]) -> None:
    """Ask each politely, wait for all, kill those that outlast their patience, and with each what is left of its group.

    A group is killed only right after its leader was seen alive: later its number may be somebody else's.
    """
    living = [record for record in records if is_alive(record)]
    for record in living:
        _signal(os.kill, record.pid, record.stop_signal)
    started = time.monotonic()
    for record in living:
        while is_alive(record) and time.monotonic() - started <= record.patience_s:
            time.sleep(0.02)
        _signal(os.killpg, record.pid, signal.SIGKILL)
        if is_alive(record):  # it leads no group
            _signal(os.kill, record.pid, signal.SIGKILL)


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it ended in between, or the group is not ours
        send(pid, number)


def main(run: Path) -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # Ctrl-C is for the owner; the reaper outlives it
    try:
        lock = (run / LOCK).open("r+")
    except FileNotFoundError:
        return  # the run ended, directory and all, before we began
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if run.exists():
            stop_all(run)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
