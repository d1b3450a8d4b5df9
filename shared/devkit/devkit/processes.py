"""A service as its own process, wired by its environment as in production; started, watched, ended, measured."""

import http.client
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from devkit.named_process import DRAIN_TIMEOUT_S, NamedProcess
from devkit.ports import free_port
from devkit.run_directory import RunDirectory

READY_TIMEOUT_S = 60.0
PROBES = ("/startupz", "/readyz")


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a service is told of its surroundings; each field is one or two variables of its environment."""

    app_url: str
    owner_url: str
    bootstrap: str
    issuer_url: str
    jwks_url: str
    topic_prefix: str = ""
    audience: str = "qingdan"
    extra: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Our own environment with the service's variables set, and none of those left over from elsewhere."""
        variables = {
            "DATABASE_URL": self.app_url,
            "MIGRATION_DATABASE_URL": self.owner_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "KAFKA_TOPIC_PREFIX": self.topic_prefix,
            "OIDC_ISSUER": self.issuer_url,
            "OIDC_AUDIENCE": self.audience,
            "OIDC_JWKS_URL": self.jwks_url,
        }
        foreign = ("PARTS", "FAILPOINTS", "HTTP_HOST", "HTTP_PORT")
        inherited = {name: value for name, value in os.environ.items() if name not in foreign}
        return inherited | {"PYTHONUNBUFFERED": "1"} | variables | dict(self.extra)


class ServiceProcess(NamedProcess):
    """`python -m <module>` in a session of its own; `url` stays the same over restarts."""

    def __init__(
        self,
        run: RunDirectory,
        module: str,
        wiring: Wiring,
        *,
        name: str | None = None,
        port: int | None = None,
        directory: Path | None = None,
    ) -> None:
        self.run = run
        self.module = module
        self.wiring = wiring
        self.name = name or module
        self.port = port or free_port()
        self.directory = directory

    def start(
        self,
        variables: Mapping[str, str] = MappingProxyType({}),
        *,
        wait_ready: bool = True,
        timeout_s: float = READY_TIMEOUT_S,
    ) -> None:
        """Start it; `variables` ({"FAILPOINTS": …}, {"PARTS": "relay"}) hold for this start only.

        Raises ProcessFailedError with the end of its log when it ends or is not ready in time.
        """
        listen = {"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(self.port)}
        self.run.spawn(
            self.name,
            [sys.executable, "-m", self.module],
            env=self.wiring.environment() | listen | dict(variables),
            cwd=self.directory,
            patience_s=DRAIN_TIMEOUT_S,
        )
        if wait_ready:
            self.wait_ready(timeout_s)

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until it says yes (200 or 204) to /startupz and /readyz. Raises ProcessFailedError."""
        process = self._running()
        deadline = time.monotonic() + timeout_s
        for path in PROBES:
            while not (answer := self.probe(path)).startswith("2"):
                if not process.is_alive():
                    raise process.failure("ended before it was ready")
                if time.monotonic() > deadline:
                    raise process.failure(f"was not ready within {timeout_s:g} s: {path} said {answer}")
                time.sleep(0.03)

    def probe(self, path: str) -> str:
        """The status of one GET, followed by the beginning of the body when it is no success."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2.0)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read(500).decode(errors="replace")
            return str(answer.status) if answer.status < 300 else f"{answer.status} {body}"
        except (OSError, http.client.HTTPException) as error:
            return f"no answer ({error})"
        finally:
            connection.close()

    def restart(self, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        self.terminate()
        self.start(variables)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def migrate(
    run: RunDirectory, module: str, wiring: Wiring, *, name: str | None = None, timeout_s: float = 60.0
) -> None:
    """Run `python -m <module> migrate` to its end. Raises ProcessFailedError with the end of its log."""
    process = run.spawn(
        name or f"{module}-migrate", [sys.executable, "-m", module, "migrate"], env=wiring.environment()
    )
    deadline = time.monotonic() + timeout_s
    while process.is_alive():
        if time.monotonic() > deadline:
            process.kill()
            raise process.failure(f"did not end within {timeout_s:g} s")
        time.sleep(0.02)
    if process.exit_code() != 0:
        raise process.failure("could not migrate")
