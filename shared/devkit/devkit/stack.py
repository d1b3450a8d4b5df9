"""Everything at once: Kafka, PostgreSQL, token issuer, bank and the services as processes, for `up`, demo and tests."""

import asyncio
import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from devkit.account import can_reach, unprivileged_account
from devkit.bank.settings import Behaviour
from devkit.bank_process import BankProcess
from devkit.dev_users import USERS
from devkit.issuer import TTL_S, Issuer
from devkit.issuer_process import IssuerProcess
from devkit.kafka import Kafka
from devkit.kafka_jars import Progress, silent
from devkit.kafka_topics import create_topics
from devkit.keys import BANK, Keys
from devkit.own_loop import run_in_own_loop
from devkit.paths import var_dir, workspace
from devkit.postgres import Postgres
from devkit.processes import ServiceProcess, Wiring, migrate
from devkit.run_directory import RunDirectory
from devkit.surroundings import GivenDatabase, Surroundings
from runtime.kafka_settings import KafkaConnection
from runtime.migrate import RUNTIME_MIGRATIONS, read_migrations
from runtime.migrate import migrate as apply_migrations

if TYPE_CHECKING:
    from devkit.story.answers import BankBook
    from qingdan.topics import Topic

SERVICES = ("tasks", "inspection", "signage", "subsidy")
# The bank next door answers at once, and nobody wants to wait an hour for what it forgot, or days for a new account.
OF_SUBSIDY = {"PAYMENT_SILENT_S": "3", "ACCOUNT_SILENT_S": "3", "ACCOUNT_COOLING_H": "0"}


class Stack:
    """A running Qingdan. `async with Stack(…) as stack:` or, in plain code, `start()` and `stop()`.

    fresh: data of its own that goes with it; otherwise the data of `var/data`, which stays.
    extra: variables for a service's environment, by service.
    topics: what to create, the whole registry and the bank's own unless given.
    bank: a bank simulator beside the services; by itself one comes with `subsidy`.
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
        bank: bool | None = None,
        bank_behaviour: Behaviour | None = None,
        progress: Progress = silent,
    ) -> None:
        self.services = tuple(services)
        self.fresh = fresh
        self.name = name or f"stack-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.surroundings = surroundings or Surroundings.of_environment(self.services)
        self.topics = topics
        self.topic_prefix = topic_prefix
        self.extra = extra or {}
        self.has_bank = "subsidy" in self.services if bank is None else bank
        self.bank_behaviour = bank_behaviour
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
        self.keys = Keys(self.data / "keys")
        if self.has_bank or "subsidy" in self.services:
            self.keys = Keys.of(self.keys.directory)
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
            for part in ("kafka", "postgres", "issuer", "keys", "bank"):
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

    def kafka_as(self, principal: str) -> KafkaConnection:  # noqa: ARG002 - this broker asks nobody who they are
        """How that user of Kafka (`integrator:big-screen`, `records`) reaches it."""
        return KafkaConnection(bootstrap_servers=self.bootstrap, topic_prefix=self.topic_prefix)

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

    @cached_property
    def bank(self) -> BankProcess:
        """The bank simulator, whether it runs or not. Raises RuntimeError in a stack without one."""
        if not self.has_bank:
            raise RuntimeError("this stack has no bank")
        return BankProcess(
            self.data / "bank",
            self.run,
            code=BANK,
            key_file=self.keys.bank_private,
            connection=self.kafka_as(f"bank:{BANK.lower()}"),
            behaviour=self.bank_behaviour,
        )

    def bank_book(self) -> "BankBook":
        """What the bank's own book says of itself. Raises FileNotFoundError before the bank has begun one."""
        from devkit.bank.statement import totals  # noqa: PLC0415
        from devkit.story.answers import BankBook  # noqa: PLC0415

        said = totals(self.bank.directory)
        return BankBook(settled=said.payments.get("settled", 0), paid_fen=said.paid_fen, paid_twice=said.paid_twice)

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
            extra=self._extra(service) | dict(extra or {}),
        )

    def pss_bytes(self) -> int:
        """Memory of all processes of the stack, the caller's own not counted."""
        return self.run.pss_bytes()

    # -- steps --------------------------------------------------------------------------------------------------------

    def _start_kafka(self) -> None:
        if self.surroundings.bootstrap is None:
            self.progress("starting Kafka")
            self._timed("kafka", self._kafka.start)
        from qingdan.topics import ALL, in_bank, to_bank  # noqa: PLC0415

        topics = (*ALL, in_bank(BANK), to_bank(BANK)) if self.topics is None else self.topics
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
        """By ourselves where the service is of this workspace: a process of its own takes two seconds to load what
        migrating does not need. A template of the test run is migrated by `python -m <service> migrate`.
        """
        self.progress(f"migrating {service}")
        database = self.database(service)
        files = workspace() / "services" / service / "migrations"
        if files.is_dir():
            wanted = read_migrations("runtime", RUNTIME_MIGRATIONS) + read_migrations(service, files)
            run_in_own_loop(apply_migrations(database.owner_url or "", wanted))
            return
        nowhere = "http://127.0.0.1:9"  # neither issuer nor broker is asked, and they may be still starting
        wiring = Wiring(database.app_url, database.owner_url or "", "127.0.0.1:9", nowhere, f"{nowhere}/jwks.json")
        migrate(self.run, service, replace(wiring, extra=self._extra(service)))

    def _start_services(self) -> None:
        for service in self.services:
            self.progress(f"starting {service}")
            process = ServiceProcess(self.run, service, self.wiring(service), port=self.surroundings.ports.get(service))
            self._processes[service] = process
            process.start(wait_ready=False)
        if self.has_bank:
            self.bank.start(wait_ready=False)
        for process in self._processes.values():
            process.wait_ready()
        if self.has_bank:
            self.bank.wait_ready()

    def _extra(self, service: str) -> dict[str, str]:
        """What one service alone is told: its keys and its bank, and whatever was asked for."""
        keys = self.keys.environment(service)
        return keys | (OF_SUBSIDY if keys else {}) | dict(self.extra.get(service, {}))

    def _own_databases(self) -> list[str]:
        return [service for service in self.services if service not in self.surroundings.databases]

    def _timed(self, step: str, action: Callable[[], None]) -> None:
        began = time.monotonic()
        action()
        self.seconds[step] = round(time.monotonic() - began, 2)
