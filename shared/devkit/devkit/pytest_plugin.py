"""Fixtures: one Kafka, PostgreSQL and issuer per test run, shared by xdist's workers; fresh databases per test."""

import contextlib
import fcntl
import os
import shutil
import signal
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from devkit.run_directory import RunDirectory

if TYPE_CHECKING:
    from devkit.bank.settings import Behaviour
    from devkit.bank_process import BankProcess
    from devkit.issuer import Issuer
    from devkit.kafka import Kafka
    from devkit.keys import Keys
    from devkit.postgres import Database, Postgres
    from devkit.processes import ServiceProcess
    from qingdan.topics import Topic

RUN = pytest.StashKey[RunDirectory]()
FAILED = pytest.StashKey[bool]()


class MakeDatabase(Protocol):
    """A fresh database of `service`, migrated; "runtime" has the runtime's own tables only, "empty" none at all."""

    def __call__(self, service: str) -> "Database": ...


class MakeKafka(Protocol):
    """A started broker of the test's own; `guarded` gives it users and access rules beside its open door."""

    def __call__(self, *, guarded: bool = False) -> "Kafka": ...


class MakeTopics(Protocol):
    """Create topics (all of the registry unless named) under a prefix; they go when the test ends."""

    def __call__(
        self, prefix: str, registry: "Iterable[Topic] | None" = None, *, partitions: int | None = None
    ) -> list[str]: ...


class MakeService(Protocol):
    """A service's process, not yet started, on `database` and under `topic_prefix`; `name` tells replicas apart."""

    def __call__(
        self,
        service: str,
        database: "Database | None" = None,
        *,
        name: str | None = None,
        bootstrap: str | None = None,
        extra: dict[str, str] | None = None,
    ) -> "ServiceProcess": ...


class MakeBank(Protocol):
    """The bank simulator's process, not yet started, under `topic_prefix`, with a book of its own."""

    def __call__(self, behaviour: "Behaviour | None" = None, *, bootstrap: str | None = None) -> "BankProcess": ...


# -- the run: owned by the controller, joined by the workers ----------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """The controller owns the run; xdist's workers are told where it is."""
    # What a script puts into the background ignores Ctrl-C, and so would every process that tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[RUN] = RunDirectory.join(Path(worker_input["devkit_run"]))
    else:
        config.stash[RUN] = RunDirectory.own(f"tests-{os.getpid()}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["devkit_run"] = str(node.config.stash[RUN].path)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[FAILED] = exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop all that the tests started; logs stay when a test failed."""
    run = config.stash.get(RUN, None)
    if run is None or run.lock is None:
        return
    _stop_shared_kafka(run)
    run.end()
    if config.stash.get(FAILED, True):
        for data in ("kafka", "postgres", "issuer", "keys"):
            shutil.rmtree(run.path / data, ignore_errors=True)
    else:
        shutil.rmtree(run.path, ignore_errors=True)


def _stop_shared_kafka(run: RunDirectory) -> None:
    if run.process("kafka") is not None:
        from devkit.kafka import Kafka  # noqa: PLC0415

        Kafka(run.path / "kafka", run).stop()  # by its own stop, which keeps what the JVM learned


@contextlib.contextmanager
def _one_at_a_time(run: RunDirectory, what: str) -> Iterator[None]:
    with (run.path / f"{what}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# -- the surroundings, started by the first test that asks ------------------------------------------------------------


@pytest.fixture(scope="session")
def run_directory(pytestconfig: pytest.Config) -> RunDirectory:
    """This test run's directory: logs, processes, data."""
    return pytestconfig.stash[RUN]


@pytest.fixture(scope="session")
def postgres(run_directory: RunDirectory) -> "Postgres":
    """The run's PostgreSQL; without fsync, since no test turns the power off."""
    from devkit.postgres import Postgres  # noqa: PLC0415

    server = Postgres(run_directory.path / "postgres", run_directory, durable=False)
    with _one_at_a_time(run_directory, "postgres"):
        if not server.is_running():
            server.start()
    return server


@pytest.fixture(scope="session")
def kafka(run_directory: RunDirectory) -> str:
    """The bootstrap address of the run's Kafka, or of the one in KAFKA_BOOTSTRAP_SERVERS."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return given
    from devkit.kafka import Kafka  # noqa: PLC0415

    broker = Kafka(run_directory.path / "kafka", run_directory, learn_to_start=True)
    with _one_at_a_time(run_directory, "kafka"):
        if not broker.is_running():
            broker.start()
    return broker.bootstrap


@pytest.fixture(scope="session")
def issuer(run_directory: RunDirectory) -> "Issuer":
    """The run's token issuer, serving its keys over HTTP as any OIDC provider does."""
    from devkit.issuer_process import IssuerProcess  # noqa: PLC0415

    process = IssuerProcess(run_directory.path / "issuer", run_directory)
    with _one_at_a_time(run_directory, "issuer"):
        if not process.is_running():
            process.start()
    return process.issuer


@pytest.fixture(scope="session")
def keys(run_directory: RunDirectory) -> "Keys":
    """The encryption keys of the run's `subsidy` and of its bank."""
    from devkit.keys import Keys  # noqa: PLC0415

    return Keys.of(run_directory.path / "keys")


# -- fresh for every test ---------------------------------------------------------------------------------------------


@pytest.fixture
def make_database(postgres: "Postgres", run_directory: RunDirectory) -> Iterator[MakeDatabase]:
    """Copies of a template that is migrated once per run; dropped when the test ends."""
    from devkit.own_loop import run_in_own_loop  # noqa: PLC0415
    from devkit.templates import template_of  # noqa: PLC0415

    made: list[Database] = []

    def make(service: str) -> "Database":
        with _one_at_a_time(run_directory, f"template-{service}"):
            template = template_of(postgres, run_directory, service)
        copy = run_in_own_loop(postgres.copy_database(template, f"{service}_{uuid.uuid4().hex[:12]}"))
        made.append(copy)
        return copy

    yield make
    for database in made:
        run_in_own_loop(postgres.drop_database(database))


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test has, so that topics and groups are fresh."""
    return f"t{uuid.uuid4().hex[:10]}."


@pytest.fixture
def make_topics(kafka: str) -> Iterator[MakeTopics]:
    """See MakeTopics."""
    from devkit.kafka_topics import create_topics, delete_topics  # noqa: PLC0415
    from devkit.own_loop import run_in_own_loop  # noqa: PLC0415
    from qingdan.topics import ALL  # noqa: PLC0415

    prefixes = set()

    def make(prefix: str, registry: "Iterable[Topic] | None" = None, *, partitions: int | None = None) -> list[str]:
        prefixes.add(prefix)
        return run_in_own_loop(create_topics(kafka, registry or ALL, prefix, partitions=partitions))

    yield make
    for prefix in prefixes:
        run_in_own_loop(delete_topics(kafka, prefix))


@pytest.fixture
def service_process(
    request: pytest.FixtureRequest,
    run_directory: RunDirectory,
    make_database: MakeDatabase,
    issuer: "Issuer",
    keys: "Keys",
    topic_prefix: str,
) -> Iterator[MakeService]:
    """See MakeService. `subsidy` is told its keys. What a test leaves running is killed when it ends."""
    from devkit.processes import ServiceProcess, Wiring  # noqa: PLC0415

    made: list[ServiceProcess] = []

    def make(
        service: str,
        database: "Database | None" = None,
        *,
        name: str | None = None,
        bootstrap: str | None = None,
        extra: dict[str, str] | None = None,
    ) -> "ServiceProcess":
        database = database or make_database(service)
        wiring = Wiring(
            app_url=database.app_url,
            owner_url=database.owner_url,
            bootstrap=bootstrap or str(request.getfixturevalue("kafka")),
            issuer_url=issuer.url,
            jwks_url=issuer.jwks_url,
            topic_prefix=topic_prefix,
            extra=keys.environment(service) | (extra or {}),
        )
        process = ServiceProcess(run_directory, service, wiring, name=f"{name or service}-{uuid.uuid4().hex[:6]}")
        made.append(process)
        return process

    yield make
    for process in made:
        if process.is_alive():
            process.kill()


@pytest.fixture
def bank_process(
    request: pytest.FixtureRequest, run_directory: RunDirectory, keys: "Keys", topic_prefix: str, tmp_path: Path
) -> Iterator[MakeBank]:
    """See MakeBank. What a test leaves running is killed when it ends."""
    from devkit.bank_process import BankProcess  # noqa: PLC0415
    from devkit.keys import BANK  # noqa: PLC0415
    from runtime.kafka_settings import KafkaConnection  # noqa: PLC0415

    made: list[BankProcess] = []

    def make(behaviour: "Behaviour | None" = None, *, bootstrap: str | None = None) -> "BankProcess":
        name = f"bank-{uuid.uuid4().hex[:6]}"
        process = BankProcess(
            tmp_path / name,
            run_directory,
            code=BANK,
            key_file=keys.bank_private,
            connection=KafkaConnection(
                bootstrap_servers=bootstrap or str(request.getfixturevalue("kafka")), topic_prefix=topic_prefix
            ),
            behaviour=behaviour,
            name=name,
        )
        made.append(process)
        return process

    yield make
    for process in made:
        if process.is_alive():
            process.kill()


@pytest.fixture
def make_kafka(run_directory: RunDirectory) -> Iterator["MakeKafka"]:
    """A started broker of the test's own, for tests that kill or restart it, or need one with users."""
    from devkit.kafka import Kafka  # noqa: PLC0415

    made: list[Kafka] = []

    def make(*, guarded: bool = False) -> "Kafka":
        name = f"kafka-{uuid.uuid4().hex[:6]}"
        broker = Kafka(run_directory.path / name, run_directory, name=name, guarded=guarded)
        made.append(broker)
        broker.start()
        return broker

    yield make
    for broker in made:
        broker.kill()
        shutil.rmtree(broker.directory)


@pytest.fixture
def make_postgres(run_directory: RunDirectory) -> Iterator[Callable[[], "Postgres"]]:
    """A started server of the test's own, with fsync, for tests that kill or restart it."""
    from devkit.postgres import Postgres  # noqa: PLC0415

    made: list[Postgres] = []

    def make() -> "Postgres":
        name = f"postgres-{uuid.uuid4().hex[:6]}"
        server = Postgres(run_directory.path / name, run_directory, name=name)
        made.append(server)
        server.start()
        return server

    yield make
    for server in made:
        server.kill()
        shutil.rmtree(server.directory)
