"""A process of a run that is known by its name, whatever it is: asked, ended, watched, measured."""

import time

from devkit.run_directory import RunDirectory, RunProcess

DRAIN_TIMEOUT_S = 25.0  # services promise 20 s


class NamedProcess:
    """What a service and the bank have in common once they are started."""

    run: RunDirectory
    name: str

    def terminate(self, timeout_s: float = DRAIN_TIMEOUT_S) -> int | None:
        """SIGTERM, wait, SIGKILL after `timeout_s`; returns the exit code (negative: the signal that ended it)."""
        process = self._running()
        process.terminate(timeout_s)
        return process.exit_code()

    def kill(self) -> None:
        """SIGKILL to it and all its children, as the kernel or a node failure would."""
        self._running().kill()

    def wait_ended(self, timeout_s: float = 30.0) -> int | None:
        """Wait until it ends by itself (a failpoint, a loud stop); returns its exit code. Raises ProcessFailedError."""
        process = self._running()
        deadline = time.monotonic() + timeout_s
        while process.is_alive():
            if time.monotonic() > deadline:
                raise process.failure(f"still runs after {timeout_s:g} s")
            time.sleep(0.02)
        return process.exit_code()

    def is_alive(self) -> bool:
        process = self.run.process(self.name)
        return process is not None and process.is_alive()

    def pss_bytes(self) -> int:
        """Memory of the process and its children, shared pages counted in proportion."""
        process = self.run.process(self.name)
        return process.pss_bytes() if process is not None else 0

    def log_tail(self, lines: int = 25) -> str:
        return self._running().log_tail(lines)

    @property
    def pid(self) -> int:
        return self._running().pid

    def _running(self) -> RunProcess:
        process = self.run.process(self.name)
        if process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return process
