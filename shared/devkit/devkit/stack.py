"""Everything at once: Kafka, PostgreSQL, token issuer and the services as processes, for `up`, the demo and tests."""

import asyncio
import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from devkit.account import can_reach, unprivileged_account
from devkit.dev_users import USERS
from devkit.issuer import TTL_S, Issuer
from devkit.issuer_process import IssuerProcess
from devkit.kafka import Kafka
from devkit.kafka_jars import Progress, silent
from devkit.kafka_topics import create_topics
from devkit.own_loop import run_in_own_loop
from devkit.paths import var_dir
from devkit.postgres import Postgres
from devkit.processes import ServiceProcess, Wiring, migrate
from devkit.run_directory import RunDirectory
from devkit.surroundings import GivenDatabase, Surroundings

if TYPE_CHECKING:
    from qingdan.topics import Topic

SERVICES = ("tasks", "inspection")


class Stack:
    """A running Qingdan. `async with Stack(…) as stack:` or, in plain code, `start()` and `stop()`.

    fresh: data of its own that goes with it; otherwise the data of `var/data`, which stays.
    extra: variables for a service's environment, by service.
    topics: what to create, the whole registry unless given.
    """

    def __init__(
        self,
        services: Sequence[str] = SERVICES,
        *,
        fresh: bool = True,
        name: str | None = None,
        surroundings: Surroundings | None = None,
        topics: "Sequence[Topic] | None" = None,
        topic_prefix: str = "",
        extra: Mapping[str, Mapping[str, str]] | None = None,
        progress: Progress = silent,
    ) -> None:
        self.services = tuple(services)
        self.fresh = fresh
        self.name = name or f"stack-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.surroundings = surroundings or Surroundings.of_environment(self.services)
        self.topics = topics
        self.topic_prefix = topic_prefix
        self.extra = extra or {}
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self._processes: dict[str, ServiceProcess] = {}

    # -- start and stop -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and return when every service is ready; stops what it began when that fails.

        Raises ProcessFailedError with the log of the culprit, RuntimeError when a stack of that name runs already.
        """
        self.run = RunDirectory.own(self.name)
        account = unprivileged_account()
        if not self.fresh and account is not None and not can_reach(account, var_dir() / "data"):
            self.progress(f"{account.pw_name} cannot enter {var_dir()}: the data will not be kept")
            self.fresh = True  # of a database that is new every time, and a Kafka that is not, the parts would not fit
        self.data = self.run.path if self.fresh else var_dir() / "data"
        ports = self.surroundings.ports
        self._kafka = Kafka(
            self.data / "kafka", self.run, port=ports.get("kafka"), learn_to_start=True, progress=self.progress
        )
        self._postgres = Postgres(self.data / "postgres", self.run, port=ports.get("postgres"))
        self._issuer_process = IssuerProcess(self.data / "issuer", self.run, port=ports.get("issuer"))
        try:
            with ThreadPoolExecutor(3) as pool:
                begun = [pool.submit(self._start_kafka), pool.submit(self._start_databases)]
                begun.append(pool.submit(self._timed, "issuer", self._issuer_process.start))
                for each in begun:
                    each.result()
            self._timed("services", self._start_services)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop services first, then what they stand on; fresh data goes, logs stay."""
        if self._kafka.is_running():
            for process in self._processes.values():
                if process.is_alive():
                    self.progress(f"stopping {process.name}")
            self.run.end_services()
            self._kafka.stop()
        self.run.end()
        if self.fresh:
            for part in ("kafka", "postgres", "issuer"):
                shutil.rmtree(self.data / part, ignore_errors=True)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    # -- what runs ----------------------------------------------------------------------------------------------------

    @property
    def kafka(self) -> Kafka:
        """Our own broker. Raises RuntimeError when the stack uses one that was given."""
        if self.surroundings.bootstrap is not None:
            raise RuntimeError(f"this stack uses the Kafka at {self.surroundings.bootstrap}, which is not ours")
        return self._kafka

    @property
    def postgres(self) -> Postgres:
        """Our own server. Raises RuntimeError when the stack uses given databases only."""
        if not self._own_databases():
            raise RuntimeError("this stack uses databases that are not ours")
        return self._postgres

    @property
    def bootstrap(self) -> str:
        return self.surroundings.bootstrap or self._kafka.bootstrap

    @property
    def issuer(self) -> Issuer:
        return self._issuer_process.issuer

    def process(self, service: str) -> ServiceProcess:
        """The service's process, or a replica's by its name. Raises KeyError."""
        return self._processes[service]

    @property
    def processes(self) -> list[ServiceProcess]:
        return list(self._processes.values())

    def replica(self, service: str, name: str, *, extra: Mapping[str, str] | None = None) -> ServiceProcess:
        """One more process of a service on the same database, not yet started."""
        wiring = self.wiring(service, extra=extra)
        self._processes[name] = ServiceProcess(self.run, service, wiring, name=name)
        return self._processes[name]

    def url(self, service: str) -> str:
        """Where its HTTP API listens, without a slash at the end."""
        return self._processes[service].url

    def token(
        self, role: str, division: str | None = None, department: str | None = None, *, ttl_s: float = TTL_S
    ) -> str:
        """A token for the development user of that role, or for the colleague at another division or department."""
        return self.issuer.token_of(USERS[role].at(division, department), ttl_s=ttl_s)

    def database(self, service: str) -> GivenDatabase:
        """The addresses of a service's database, given or our own."""
        given = self.surroundings.databases.get(service)
        if given is not None:
            return given
        own = self._postgres.database(service)
        return GivenDatabase(own.app_url, own.owner_url)

    def wiring(self, service: str, *, extra: Mapping[str, str] | None = None) -> Wiring:
        database = self.database(service)
        return Wiring(
            app_url=database.app_url,
            owner_url=database.owner_url or database.app_url,
            bootstrap=self.bootstrap,
            issuer_url=self.issuer.url,
            jwks_url=self.issuer.jwks_url,
            topic_prefix=self.topic_prefix,
            extra=dict(self.extra.get(service, {})) | dict(extra or {}),
        )

    def pss_bytes(self) -> int:
        """Memory of all processes of the stack, the caller's own not counted."""
        return self.run.pss_bytes()

    # -- steps --------------------------------------------------------------------------------------------------------

    def _start_kafka(self) -> None:
        if self.surroundings.bootstrap is None:
            self.progress("starting Kafka")
            self._timed("kafka", self._kafka.start)
        from qingdan.topics import ALL  # noqa: PLC0415

        topics = ALL if self.topics is None else self.topics
        run_in_own_loop(create_topics(self.bootstrap, topics, self.topic_prefix))

    def _start_databases(self) -> None:
        own = self._own_databases()
        if own:
            self.progress("starting PostgreSQL")
            self._timed("postgres", self._postgres.start)
        for service in own:
            run_in_own_loop(self._postgres.provision(service))
        self._timed("migrations", self._migrate)

    def _migrate(self) -> None:
        """All services at once; each has a database of its own."""
        to_migrate = [service for service in self.services if self.database(service).owner_url is not None]
        if not to_migrate:
            return
        with ThreadPoolExecutor(len(to_migrate)) as pool:
            for done in [pool.submit(self._migrate_one, service) for service in to_migrate]:
                done.result()

    def _migrate_one(self, service: str) -> None:
        self.progress(f"migrating {service}")
        database = self.database(service)
        nowhere = "http://127.0.0.1:9"  # neither issuer nor broker is asked, and they may be still starting
        wiring = Wiring(database.app_url, database.owner_url or "", "127.0.0.1:9", nowhere, f"{nowhere}/jwks.json")
        migrate(self.run, service, replace(wiring, extra=self.extra.get(service, {})))

    def _start_services(self) -> None:
        for service in self.services:
            self.progress(f"starting {service}")
            process = ServiceProcess(self.run, service, self.wiring(service), port=self.surroundings.ports.get(service))
            self._processes[service] = process
            process.start(wait_ready=False)
        for process in self._processes.values():
            process.wait_ready()

    def _own_databases(self) -> list[str]:
        return [service for service in self.services if service not in self.surroundings.databases]

    def _timed(self, step: str, action: Callable[[], None]) -> None:
        began = time.monotonic()
        action()
        self.seconds[step] = round(time.monotonic() - began, 2)
