"""Service: what app.py composes: settings, database, HTTP, consumers and relay, in one program with parts to switch."""

import asyncio
import contextlib
import gc
import json
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import asyncpg
import structlog
import typer
import uvicorn
from fastapi import APIRouter, FastAPI

from qingdan.envelope import service_source
from runtime import (
    audit,
    divisions,
    failpoints,
    health,
    invariants,
    logs,
    parking,
    problem_responses,
    telemetry,
    workday_overrides,
)
from runtime.actor import Actor, service_actor
from runtime.auth import Authenticator
from runtime.change_stream import ChangeStreams
from runtime.db import Pool, create_pool, transaction
from runtime.health import Heartbeats
from runtime.http import answer_replay
from runtime.idempotency import Replay
from runtime.kafka import FamilySubscription, Subscription
from runtime.limits import LimitsMiddleware, RequestLimits
from runtime.migrate import RUNTIME_MIGRATIONS, Migration, MigrationError, migrate, pending, read_migrations
from runtime.parts import ConsumePart, Part, RelayPart, WorkPart
from runtime.settings import ServiceSettings
from runtime.tracing_middleware import FASTAPI_TELEMETRY, TracingMiddleware
from runtime.works import Work, Working

_log = structlog.stdlib.get_logger(__name__)

_TRY_DATABASE_AGAIN_S: Final = 1.0
_ALLOCATIONS_BEFORE_COLLECTING: Final = 20_000


@dataclass(frozen=True, slots=True)
class Service:
    """One service: everything that distinguishes it from the others."""

    name: str
    version: str
    title: str
    settings: type[ServiceSettings]
    migrations: Path
    router: APIRouter
    subscriptions: Sequence[Subscription | FamilySubscription] = ()
    works: Sequence[Work] = ()
    media_types: frozenset[str] = frozenset()
    """What bodies may be besides JSON."""

    @property
    def actor(self) -> Actor:
        """As whom its consumers, relay and runs act."""
        return service_actor(self.name)

    def all_migrations(self) -> list[Migration]:
        """The runtime's own and the service's, in the order in which they are applied."""
        return read_migrations("runtime", RUNTIME_MIGRATIONS) + read_migrations(self.name, self.migrations)

    def subscribed(self, settings: ServiceSettings) -> list[Subscription]:
        """What it consumes, one entry for each topic. Raises UnknownTopic for a party's code that makes no topic."""
        return [each for entry in self.subscriptions for each in entry.subscriptions(settings)]

    def application(self, settings: ServiceSettings) -> FastAPI:
        """The ASGI application; its lifespan starts and stops the parts."""
        running = Running(self, settings)
        app = FastAPI(
            title=self.title,
            version=self.version,
            lifespan=running.lifespan,
            telemetry=FASTAPI_TELEMETRY,
            responses=problem_responses.PROBLEM_RESPONSES,
            redirect_slashes=False,
            docs_url=None,
            redoc_url=None,
        )
        app.state.running = running
        app.state.pool = None
        app.state.service_name = self.name
        app.state.authenticator = Authenticator(
            issuer=settings.oidc_issuer, audience=settings.oidc_audience, jwks_url=settings.oidc_jwks_url
        )
        problem_responses.install(app)
        app.add_exception_handler(Replay, answer_replay)
        app.include_router(health.health_routes(running.heartbeats, {"database": running.check_database}))
        if "http" in settings.parts:
            app.include_router(self.router)
            app.include_router(divisions.router)
            app.include_router(workday_overrides.router)
        app.include_router(invariants.router)
        app.add_middleware(
            LimitsMiddleware,
            limits=RequestLimits(
                body_bytes_max=settings.http_body_bytes_max,
                in_flight_max=settings.http_in_flight_max,
                media_types=self.media_types,
            ),
        )
        app.add_middleware(TracingMiddleware)
        return app

    def command_line(self) -> None:
        """`python -m <service>`: serve (the default), migrate, audit verify, parked list / retry / drop."""
        _command_line(self)()

    async def open_pool(self, settings: ServiceSettings) -> Pool:
        """Raises OSError or asyncpg.PostgresError when the database is away."""
        return await create_pool(
            str(settings.database_url),
            source=service_source(self.name),
            size_max=settings.database_connections_max,
        )


@dataclass(slots=True)
class Running:
    """One process of a service between its start and its end."""

    service: Service
    settings: ServiceSettings
    heartbeats: Heartbeats = field(default_factory=Heartbeats)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    changes: ChangeStreams = field(init=False)
    _pool: Pool | None = None
    _parts: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.changes = ChangeStreams(self.settings, self.service.name, self.draining)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Answer probes at once, start the parts as soon as the database is there, stop them in order."""
        failpoints.arm(self.settings.failpoints)
        starting = asyncio.create_task(self._start(app))
        starting.add_done_callback(_end_when_start_failed)
        try:
            yield
        finally:
            self.drain()
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            await self._stop(app)

    async def _start(self, app: FastAPI) -> None:
        self._pool = app.state.pool = await self._database()
        await app.state.authenticator.load()
        name, actor, kafka, beats = self.service.name, self.service.actor, self.settings.kafka, self.heartbeats
        if "relay" in self.settings.parts:
            await self._start_part(RelayPart(self._pool, actor, kafka, beats))
        if "consume" in self.settings.parts:
            beats.started = True  # requests need no Kafka: what they cause waits in the outbox
            if self.service.works:
                await self._start_part(WorkPart(Working(self._pool, actor, self.settings), beats, self.service.works))
            if subscriptions := self.service.subscribed(self.settings):
                await self._start_part(ConsumePart(name, self._pool, actor, kafka, beats, subscriptions))
        beats.started = True
        _log.info("started", service_name=name, version=self.service.version, parts=sorted(self.settings.parts))

    async def _start_part(self, part: Part) -> None:
        self._parts.append(part)
        await part.start()

    async def _database(self) -> Pool:
        """Wait for the database and for the schema that this version needs."""
        while True:
            try:
                pool = await self.service.open_pool(self.settings)
                async with pool.connections.acquire() as connection:
                    missing = await pending(connection, self.service.all_migrations())
                if not missing:
                    return pool
                _log.warning("schema_is_behind", migration=missing[0].name, count=len(missing))
                await pool.close()
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                _log.warning("database_not_reached", error=type(error).__name__)
            await asyncio.sleep(_TRY_DATABASE_AGAIN_S)

    async def _stop(self, app: FastAPI) -> None:
        await self.changes.stop()
        for part in reversed(self._parts):
            await part.stop()
        if self._pool is not None:
            await self._pool.close()
        await app.state.authenticator.close()
        _log.info("stopped", service_name=self.service.name)

    async def check_database(self) -> None:
        """Raises when no connection answers."""
        assert self._pool is not None
        async with self._pool.connections.acquire(timeout=2.0) as connection:
            await connection.fetchval("SELECT 1", timeout=2.0)

    def drain(self) -> None:
        """Told to stop: no new requests, open streams end."""
        self.draining.set()
        self.changes.wake()
        self.heartbeats.not_ready("drain", "this process was told to stop")


def _end_when_start_failed(starting: asyncio.Task[None]) -> None:
    """A start that cannot succeed must not look like a slow one."""
    if not starting.cancelled() and (error := starting.exception()) is not None:
        _log.critical("start_failed", exc_info=error)
        signal.raise_signal(signal.SIGTERM)


class _Server(uvicorn.Server):
    """Uvicorn that tells open streams to end as soon as the signal comes, not when they would be cut."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], None]) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is the parent's
        # Uvicorn's own would raise the signal again at the end: the process would die by it, its last spans unsent,
        # instead of ending with 0. A second Ctrl-C still ends it at once.
        self._drain()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def _serve(service: Service) -> None:
    settings = service.settings()
    logs.set_up(service.name, level=settings.log_level)
    telemetry.set_up(service.name, service.version, settings.otel_exporter_otlp_endpoint)
    app = service.application(settings)
    _spare_the_collector()
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        h11_max_incomplete_event_size=64 * 1024,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=settings.drain_s_max,  # without it one open stream keeps the process for ever
        backlog=2048,
        limit_concurrency=None,  # LimitsMiddleware sheds with a problem document instead
    )
    try:
        _Server(config, app.state.running.drain).run()
    finally:
        telemetry.shut_down()


def _spare_the_collector() -> None:
    """What is loaded by now stays for good: walking it at each full collection would add to the slowest answers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_BEFORE_COLLECTING, 10, 20)


def _command_line(service: Service) -> typer.Typer:
    cli = typer.Typer(add_completion=False, no_args_is_help=False, help=f"{service.title} ({service.name})")
    audit_cli = typer.Typer(help="the audit trail")
    parked_cli = typer.Typer(help="records that could not be handled")
    cli.add_typer(audit_cli, name="audit")
    cli.add_typer(parked_cli, name="parked")

    @cli.callback(invoke_without_command=True)
    def default(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            _serve(service)

    @cli.command(help="Answer HTTP, consume and publish until told to stop (the default).")
    def serve() -> None:
        _serve(service)

    @cli.command("migrate", help="Bring the database to this version's schema; needs MIGRATION_DATABASE_URL.")
    def migrate_command() -> None:
        settings = service.settings()
        if settings.migration_database_url is None:
            raise typer.BadParameter("set MIGRATION_DATABASE_URL to a connection as the owner of the tables")
        try:
            applied = asyncio.run(migrate(str(settings.migration_database_url), service.all_migrations()))
        except MigrationError as error:
            typer.echo(f"{service.name}: {error}", err=True)
            raise typer.Exit(1) from None
        for migration in applied:
            typer.echo(f"applied {migration.component} {migration.number:04d} {migration.name}")
        typer.echo(f"{service.name}: the schema is current")

    @audit_cli.command(help="Walk every chain; exit 1 and name the entry when one does not hold.")
    def verify() -> None:
        verdict = _with_pool(service, lambda pool: audit.verify(pool, service.actor))
        typer.echo(verdict.broken or f"{service.name}: {verdict.entries} entries, all chains hold")
        raise typer.Exit(0 if verdict.holds else 1)

    _add_parked_commands(service, parked_cli)
    return cli


def _add_parked_commands(service: Service, cli: typer.Typer) -> None:
    @cli.command("list", help="What is parked and why, one JSON object a line.")
    def list_command(after: Annotated[int, typer.Option(help="only keys with an id above this")] = 0) -> None:
        async def read(pool: Pool) -> list[parking.Parked]:
            async with transaction(pool, service.actor) as tx:
                return await parking.list_parked(tx, after=after)

        for parked in _with_pool(service, read):
            typer.echo(json.dumps({name: getattr(parked, name) for name in parked.__slots__}, ensure_ascii=False))

    def act(parked_id: int, action: Callable[[Any, int], Coroutine[Any, Any, bool]], done: str) -> None:
        async def run(pool: Pool) -> bool:
            async with transaction(pool, service.actor) as tx:
                return await action(tx, parked_id)

        if not _with_pool(service, run):
            typer.echo(f"nothing is parked under {parked_id}; see `python -m {service.name} parked list`", err=True)
            raise typer.Exit(1)
        typer.echo(done)

    @cli.command(help="Handle this key's records again, in order; the running consumer does it.")
    def retry(parked_id: Annotated[int, typer.Argument(help="id from `parked list`")]) -> None:
        act(parked_id, parking.retry, f"{parked_id} will be handled again")

    @cli.command(help="Give up this key's first record for good and release what follows it.")
    def drop(parked_id: Annotated[int, typer.Argument(help="id from `parked list`")]) -> None:
        act(parked_id, parking.drop, f"the first record of {parked_id} is dropped, the others are released")


def _with_pool(service: Service, work: Callable[[Pool], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        pool = await service.open_pool(service.settings())
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(run())
