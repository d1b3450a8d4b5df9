"""Migrations: plain numbered SQL files, applied once each, in order, under one advisory lock."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from runtime.scope import Connection

RUNTIME_MIGRATIONS = Path(__file__).parent / "migrations"

# One number for all of Qingdan: two services never share a database, so they never meet on it.
_LOCK = 0x51_69_6E_67

_FILE_NAME = re.compile(r"^(?P<number>\d{4})_(?P<words>[a-z0-9_]+)\.sql$")

_BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS schema_migration (
    component text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (component, number)
);
GRANT SELECT ON schema_migration TO qingdan_app;
"""


class MigrationError(Exception):
    """A migration cannot be applied; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file of one component (`runtime`, or the service's own name)."""

    component: str
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(component: str, folder: Path) -> list[Migration]:
    """Every migration of a component, in order.

    Raises MigrationError when a file is misnamed or a number is missing or taken twice.
    """
    found = []
    for file in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.match(file.name)
        if match is None:
            raise MigrationError(f"{file.name}: name it NNNN_words_in_lower_case.sql")
        found.append(Migration(component, int(match["number"]), match["words"], file.read_text(encoding="utf-8")))
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise MigrationError(f"{component}: number the files 0001, 0002, … without gaps or doubles")
    return found


async def migrate(url: str, migrations: Sequence[Migration]) -> list[Migration]:
    """Apply what is missing and return it; `url` connects as the owner of the tables.

    Each file is one transaction. Old and new pods run side by side during an upgrade, so a file only adds
    (expand); what an old version still reads is dropped a release later (contract).

    Raises MigrationError when a file that was applied has been edited since, when the database is ahead of the files,
    or when `url` is not the owner's.
    """
    connection = await asyncpg.connect(url, server_settings={"jit": "off", "lock_timeout": "10s"}, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await _keep_books(connection)
        # FORCE ROW LEVEL SECURITY binds the owner too; a migration that moves rows acts as the service.
        await connection.execute(
            "SELECT set_config('app.kind', 'service', false), set_config('app.actor', 'migrate', false)"
        )
        missing = _missing(await _applied(connection), migrations)
        for migration in missing:
            await _apply(connection, migration)
        return missing
    finally:
        await connection.close(timeout=5)


async def _keep_books(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        await connection.execute(_BOOKKEEPING)
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError("connect as the owner of the tables: the application role may not migrate") from error


async def pending(connection: Connection, migrations: Sequence[Migration]) -> list[Migration]:
    """What this program needs and the database has not; a pod is not started before the list is empty."""
    if await connection.fetchval("SELECT to_regclass('schema_migration')") is None:
        return list(migrations)
    applied = await _applied(connection)
    return [m for m in migrations if (m.component, m.number) not in applied]


async def _applied(connection: Connection) -> dict[tuple[str, int], str]:
    rows = await connection.fetch("SELECT component, number, checksum FROM schema_migration")
    return {(row["component"], row["number"]): row["checksum"] for row in rows}


def _missing(applied: dict[tuple[str, int], str], migrations: Sequence[Migration]) -> list[Migration]:
    missing, known = [], {(migration.component, migration.number) for migration in migrations}
    for component, number in sorted(applied.keys() - known):
        if component in {migration.component for migration in migrations}:
            raise MigrationError(
                f"{component} {number:04d} is applied, but this version has no such file: "
                "run the version that has it, or a later one"
            )
    for migration in migrations:
        stored = applied.get((migration.component, migration.number))
        if stored is None:
            missing.append(migration)
        elif stored != migration.checksum:
            raise MigrationError(
                f"{migration.component} {migration.number:04d}_{migration.name}.sql was edited after it was applied: "
                "restore it and put the change into a new file"
            )
    return missing


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migration (component, number, name, checksum) VALUES ($1, $2, $3, $4)",
                migration.component,
                migration.number,
                migration.name,
                migration.checksum,
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"{migration.component} {migration.number:04d}_{migration.name}.sql: {error.sqlstate} {error.message}; "
            "nothing of this file was kept"
        ) from error
