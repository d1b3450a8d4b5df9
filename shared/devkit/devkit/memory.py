"""How much memory processes take: proportional set size, which counts shared pages once over all who share them."""

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]


def pss_bytes(pid: int) -> int:
    """Memory of a process and all that descends from it; 0 when it is gone."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_own_pss_bytes(process) for process in family)


def _own_pss_bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return int(getattr(memory, "pss", memory.uss))  # macOS has no PSS


class PeakMemory:
    """Samples a sum every `every_s` seconds while its block runs; `peak_bytes` is the highest seen, ours included."""

    def __init__(self, measure: Callable[[], int], *, every_s: float = 1.0) -> None:
        self.measure = measure
        self.every_s = every_s
        self.peak_bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._done.wait(self.every_s):
            self._sample()

    def _sample(self) -> None:
        ours = _own_pss_bytes(psutil.Process(os.getpid()))
        self.peak_bytes = max(self.peak_bytes, ours + self.measure())
