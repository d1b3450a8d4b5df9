"""The token issuer as a process of a run."""

import http.client
import json
import sys
import time
from functools import cached_property
from pathlib import Path

from devkit.issuer import Issuer
from devkit.ports import free_port
from devkit.run_directory import INFRASTRUCTURE, RunDirectory, RunProcess

START_TIMEOUT_S = 20.0


class IssuerProcess:
    """The issuer of `directory`, served at a port that stays the same; `issuer` mints what the process would."""

    def __init__(self, directory: Path, run: RunDirectory, *, name: str = "issuer", port: int | None = None) -> None:
        self.directory = directory
        self.run = run
        self.name = name
        self.wanted_port = port

    def start(self) -> None:
        """Start and wait for its answer. Raises ProcessFailedError."""
        port = self.port
        self.issuer  # noqa: B018  makes the keys before the process reads them
        process = self.run.spawn(
            self.name,
            [sys.executable, "-m", "devkit.issuer_server", self.directory, str(port)],
            stage=INFRASTRUCTURE,
            patience_s=2.0,
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if not process.is_alive():
                raise process.failure("ended while starting")
            if time.monotonic() > deadline:
                raise process.failure(f"did not answer within {START_TIMEOUT_S:g} s")
            time.sleep(0.03)

    def stop(self) -> None:
        process = self.process
        if process is not None:
            process.terminate()

    @cached_property
    def issuer(self) -> Issuer:
        return Issuer.open(self.directory, f"http://127.0.0.1:{self.port}")

    @property
    def port(self) -> int:
        path = self.directory / "place.json"
        if path.exists() and self.wanted_port is None:
            return int(json.loads(path.read_text())["port"])
        self.directory.mkdir(parents=True, exist_ok=True)
        port = self.wanted_port or free_port()
        path.write_text(json.dumps({"port": port}))
        return port

    @property
    def process(self) -> RunProcess | None:
        return self.run.process(self.name)

    def is_running(self) -> bool:
        process = self.process
        return process is not None and process.is_alive()

    def pss_bytes(self) -> int:
        process = self.process
        return process.pss_bytes() if process is not None else 0

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2.0)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
