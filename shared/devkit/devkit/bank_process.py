"""The bank simulator as a process of a run."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from devkit.bank.__main__ import READY
from devkit.bank.settings import Behaviour
from devkit.named_process import NamedProcess
from devkit.run_directory import RunDirectory
from runtime.kafka_settings import KafkaConnection

START_TIMEOUT_S = 30.0


class BankProcess(NamedProcess):
    """`python -m devkit.bank` with its book in `directory`; killed and started again it goes on where it was.

    `devkit.bank.statement` reads the book. Behaviour may change from one start to the next.
    """

    def __init__(
        self,
        directory: Path,
        run: RunDirectory,
        *,
        code: str,
        key_file: Path,
        connection: KafkaConnection,
        behaviour: Behaviour | None = None,
        name: str = "bank",
    ) -> None:
        self.directory = directory
        self.run = run
        self.code = code
        self.key_file = key_file
        self.connection = connection
        self.behaviour = behaviour or Behaviour()
        self.name = name

    def start(self, variables: Mapping[str, str] = MappingProxyType({}), *, wait_ready: bool = True) -> None:
        """Start it; `variables` ({"FAILPOINTS": …}) hold for this start only. Raises ProcessFailedError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._ready.unlink(missing_ok=True)
        inherited = {name: value for name, value in os.environ.items() if name != "FAILPOINTS"}
        own = {
            **self.connection.environment(),
            "BANK_CODE": self.code,
            "BANK_KEY_FILE": str(self.key_file),
            "BANK_DIRECTORY": str(self.directory),
        }
        self.run.spawn(
            self.name,
            [sys.executable, "-m", "devkit.bank"],
            env=inherited | own | self.behaviour.environment() | dict(variables),
        )
        if wait_ready:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it reads its topic. Raises ProcessFailedError."""
        process = self._running()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._ready.exists():
            if not process.is_alive():
                raise process.failure("ended while starting")
            if time.monotonic() > deadline:
                raise process.failure(f"was not ready within {START_TIMEOUT_S:g} s")
            time.sleep(0.03)

    @property
    def _ready(self) -> Path:
        return self.directory / READY
