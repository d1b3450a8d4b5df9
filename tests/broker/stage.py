"""The stage of a broker test: probes as real processes, each with its database, on topics of the test's own."""

import signal
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest

from devkit.eventually import eventually
from devkit.issuer import Issuer
from devkit.postgres import SUPERUSER, Database, Postgres
from devkit.processes import ServiceProcess
from devkit.pytest_plugin import MakeDatabase, MakeService, MakeTopics
from qingdan.ids import TaskId
from qingdan.tasks_events import ShareProgressed
from qingdan.topics import TASKS
from runtime.ids import new_id
from tests.broker.broker import Broker
from tests.broker.probe.app import progressed

PROBE_FOLDER = Path(__file__).parent
PARTITIONS = 3
ROOT = "000000000000"


@dataclass(frozen=True, slots=True)
class Books:
    """What became of the records that came in."""

    handled: int
    skipped: int
    parked: int
    repeated: int

    @property
    def records_in(self) -> int:
        return self.handled + self.skipped + self.parked


@dataclass(slots=True)
class Probe:
    """One probe: its process, its database, and what a test wants to know of both."""

    process: ServiceProcess
    database: Database
    superuser_url: str
    broker: Broker
    token: str

    # -- its process ----------------------------------------------------------------------------------------------

    def start(self, variables: Mapping[str, str] = MappingProxyType({}), *, wait_ready: bool = True) -> None:
        self.process.start(variables, wait_ready=wait_ready)

    def terminate(self) -> None:
        """SIGTERM; it must drain and end by itself, in time and in order."""
        assert self.process.terminate() == 0, self.process.log_tail()

    async def dies_by_its_failpoint(self) -> None:
        """Wait until it is dead, by SIGKILL and nothing else; then let the world notice."""
        await eventually(lambda: not self.process.is_alive(), timeout_s=30.0, what="the failpoint kills the process")
        assert self.process.wait_ended() == -signal.SIGKILL
        await self.time_passes_after_its_death()

    async def time_passes_after_its_death(self) -> None:
        """Do at once what ten seconds do to a dead relay's leases, and forty-five to a dead consumer's session."""
        await self.leases_run_out()
        self.broker.forget_members()

    async def leases_run_out(self) -> None:
        """Do at once what ten seconds do to the leases of this dead relay."""
        owner = f"%/{self.process.pid}/%"
        async with self.session() as session:
            await session.execute("UPDATE relay_lane SET leased_until = '-infinity' WHERE owner LIKE $1", owner)
            await session.execute("DELETE FROM relay_owner WHERE owner LIKE $1", owner)

    # -- its API --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx2.AsyncClient]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(base_url=self.process.url, headers=headers, timeout=15.0) as client:
            yield client

    async def take_step(
        self,
        client: httpx2.AsyncClient,
        task: UUID,
        *,
        percent: int = 0,
        key: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> httpx2.Response:
        """The command, with an Idempotency-Key of its own unless one is given."""
        return await client.post(
            "/v1/steps",
            json={"task": str(task), "percent": percent},
            headers={"Idempotency-Key": key or str(new_id())} | dict(headers),
        )

    async def take_steps(self, client: httpx2.AsyncClient, task: UUID, count: int) -> None:
        """`count` steps one after the other, each of them acknowledged."""
        for _ in range(count):
            answer = await self.take_step(client, task)
            assert answer.status_code == 201, answer.text

    async def invariants(self) -> dict[str, Any]:
        async with self.client() as client:
            answer = await client.get("/v1/invariants")
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    # -- its database, as the superuser sees it, for whom no policy holds -------------------------------------------

    @asynccontextmanager
    async def session(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        session = await asyncpg.connect(self.superuser_url)
        try:
            yield session
        finally:
            await session.close()

    async def value(self, query: str, *args: Any) -> Any:
        async with self.session() as session:
            return await session.fetchval(query, *args)

    async def rows(self, query: str, *args: Any) -> list[asyncpg.Record]:
        async with self.session() as session:
            return await session.fetch(query, *args)

    async def suffers(self, percent: int, kind: str) -> None:
        """From now on events with this percentage make its consumer fail."""
        await self.value("INSERT INTO fault (percent, kind) VALUES ($1, $2)", percent, kind)

    async def is_cured(self) -> None:
        await self.value("DELETE FROM fault")

    async def effects(self) -> dict[UUID, list[int]]:
        """The steps applied, by task, in the order in which they were applied."""
        applied = defaultdict[UUID, list[int]](list)
        for row in await self.rows("SELECT task, step FROM effect ORDER BY position"):
            applied[row["task"]].append(row["step"])
        return dict(applied)

    async def books(self) -> Books:
        (row,) = await self.rows(
            "SELECT coalesce(sum(handled), 0)::int AS handled, coalesce(sum(skipped), 0)::int AS skipped,"
            " coalesce(sum(parked), 0)::int AS parked, coalesce(sum(repeated), 0)::int AS repeated FROM consumed"
        )
        return Books(**dict(row))

    async def unpublished(self) -> int:
        count: int = await self.value("SELECT count(*) FROM outbox")
        return count

    async def parked(self) -> list[asyncpg.Record]:
        return await self.rows(
            "SELECT k.id, k.releasing, r.key, r.partition, r.record_offset, r.culprit, r.reason, r.attempts"
            " FROM parked_record r JOIN parked_key k ON k.id = r.parked_key_id"
            " ORDER BY k.id, r.partition, r.record_offset"
        )


@dataclass(slots=True)
class Stage:
    """Makes the probes of one test and knows the broker they share."""

    broker: Broker
    _make_service: MakeService
    _make_database: MakeDatabase
    _postgres: Postgres
    _token: str
    _databases: dict[str, Database] = field(default_factory=dict)

    def probe(self, name: str = "probe", *, database: str = "probe", fault: str = "", **extra: str) -> Probe:
        """A probe that is not started yet; probes that name the same `database` are replicas of one service."""
        if database not in self._databases:
            self._databases[database] = self._make_database("probe")
        return self.probe_on(self._postgres, self._databases[database], name=name, fault=fault, **extra)

    def probe_on(
        self, server: Postgres, database: Database, *, name: str = "probe", fault: str = "", **extra: str
    ) -> Probe:
        """The same on a database of a server of the test's own."""
        process = self._make_service(
            "probe",
            database,
            name=name,
            bootstrap=self.broker.bootstrap,
            extra={"PROBE_FAULT": fault, "PYTHONPATH": str(PROBE_FOLDER)} | extra,
        )
        return Probe(process, database, server.url(SUPERUSER, database.name), self.broker, self._token)


@pytest.fixture(autouse=True)
def probe_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m probe migrate` makes the template database."""
    monkeypatch.setenv("PYTHONPATH", str(PROBE_FOLDER))


@pytest.fixture
def operator_token(issuer: Issuer) -> str:
    return issuer.token("operator@probe", ["operator"], ROOT)


@pytest.fixture
def make_stage(
    service_process: MakeService,
    make_database: MakeDatabase,
    postgres: Postgres,
    topic_prefix: str,
    operator_token: str,
) -> Callable[[str], Stage]:
    """A stage on the broker at a bootstrap address whose topics exist."""

    def make(bootstrap: str) -> Stage:
        return Stage(Broker(bootstrap, topic_prefix), service_process, make_database, postgres, operator_token)

    return make


@pytest.fixture
def stage(kafka: str, make_topics: MakeTopics, topic_prefix: str, make_stage: Callable[[str], Stage]) -> Stage:
    """A stage on the run's broker, with three partitions."""
    make_topics(topic_prefix, [TASKS], partitions=PARTITIONS)
    return make_stage(kafka)


def some_tasks(count: int) -> list[TaskId]:
    return [TaskId(uuid.uuid4()) for _ in range(count)]


async def is_settled(writer: Probe, reader: Probe) -> bool:
    """Nothing is under way any more: what is missing now is lost, not late."""
    return await writer.unpublished() == 0 and writer.broker.lag() == 0 and await reader.unpublished() == 0


async def settle(writer: Probe, reader: Probe | None = None, *, timeout_s: float = 40.0) -> None:
    """Wait until the outboxes are empty and the group has acknowledged every record."""
    await eventually(
        lambda: is_settled(writer, reader or writer), timeout_s=timeout_s, what="outbox empty and lag zero"
    )


async def assert_applied_once_in_order(reader: Probe, expected: Mapping[UUID, int]) -> None:
    """Every task's steps 1..n have their effect, once each, in that order; call it when all has settled."""
    applied = await reader.effects()
    assert applied == {task: list(range(1, count + 1)) for task, count in expected.items() if count}


def step_event(task: UUID, step: int, percent: int = 0) -> ShareProgressed:
    """The event of a task's nth step, as the probe writes it."""
    return progressed(TaskId(task), step, percent)
