"""The devkit's PostgreSQL is the real thing: roles without rights, closed databases, data that outlives kills."""

from collections.abc import Callable
from urllib.parse import urlsplit

import asyncpg
import pytest

from devkit.postgres import Database, Postgres
from devkit.pytest_plugin import MakeDatabase


async def test_the_application_role_has_no_special_rights(postgres: Postgres) -> None:
    database = await postgres.provision("alpha")
    async with _session(database.app_url) as session:
        rights = await session.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication,"
            " pg_has_role(current_user, 'qingdan_app', 'member') AS in_group FROM pg_roles WHERE rolname = current_user"
        )
    assert dict(rights or {}) == {
        "rolsuper": False,
        "rolbypassrls": False,
        "rolcreatedb": False,
        "rolcreaterole": False,
        "rolreplication": False,
        "in_group": True,
    }


async def test_the_application_role_can_create_nothing(postgres: Postgres) -> None:
    database = await postgres.provision("alpha")
    async with _session(database.app_url) as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("CREATE TABLE public.mine (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("CREATE SCHEMA mine")


async def test_one_services_roles_cannot_connect_to_anothers_database(postgres: Postgres) -> None:
    alpha = await postgres.provision("alpha")
    beta = await postgres.provision("beta")
    for url in (alpha.app_url, alpha.owner_url):
        stranger = url.rsplit("/", 1)[0] + f"/{beta.name}"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
            await asyncpg.connect(stranger)


async def test_nobody_connects_without_the_password(postgres: Postgres) -> None:
    database = await postgres.provision("alpha")
    parts = urlsplit(database.app_url)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://{parts.username}:guessed@127.0.0.1:{parts.port}{parts.path}")


async def test_provisioning_twice_keeps_what_is_there(postgres: Postgres) -> None:
    database = await postgres.provision("gamma")
    async with _session(database.owner_url) as owner:
        await owner.execute("CREATE TABLE IF NOT EXISTS kept (id int); INSERT INTO kept VALUES (1)")
    again = await postgres.provision("gamma")
    async with _session(again.owner_url) as owner:
        assert await owner.fetchval("SELECT count(*) FROM kept") == 1


async def test_a_copy_has_rows_and_grants_and_is_closed_to_others_too(postgres: Postgres) -> None:
    template = await postgres.provision("delta")
    async with _session(template.owner_url) as owner:
        await owner.execute(
            "DROP TABLE IF EXISTS fact; CREATE TABLE fact (id int); INSERT INTO fact VALUES (1), (2);"
            "GRANT SELECT ON fact TO qingdan_app"
        )
    stranger = await postgres.provision("alpha")
    copy = await postgres.copy_database(template, "delta_copy")
    try:
        async with _session(copy.app_url) as session:
            assert await session.fetchval("SELECT count(*) FROM fact") == 2
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute("INSERT INTO fact VALUES (3)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(stranger.app_url.rsplit("/", 1)[0] + "/delta_copy")
    finally:
        await postgres.drop_database(copy)


async def test_every_test_has_a_database_of_its_own(make_database: MakeDatabase) -> None:
    first, second = make_database("empty"), make_database("empty")
    async with _session(first.owner_url) as owner:
        await owner.execute("CREATE TABLE only_here (id int)")
    async with _session(second.owner_url) as owner:
        assert await owner.fetchval("SELECT to_regclass('only_here')") is None


async def test_the_runtimes_own_tables_come_with_its_template(make_database: MakeDatabase) -> None:
    database = make_database("runtime")
    async with _session(database.app_url) as session:
        assert await session.fetchval("SELECT to_regclass('outbox')") is not None


async def test_what_was_committed_outlives_kill_9_and_restart(make_postgres: Callable[[], Postgres]) -> None:
    server = make_postgres()
    port = server.port
    database = await server.provision("alpha")
    await _write(database, 1)
    server.kill()
    assert not server.is_running()
    server.start()
    await _write(database, 2)
    server.restart()
    async with _session(database.owner_url) as owner:
        assert [row["id"] for row in await owner.fetch("SELECT id FROM written ORDER BY id")] == [1, 2]
        assert await owner.fetchval("SHOW fsync") == "on"
    assert server.port == port


async def _write(database: Database, number: int) -> None:
    async with _session(database.owner_url) as owner:
        await owner.execute("CREATE TABLE IF NOT EXISTS written (id int)")
        await owner.execute("INSERT INTO written VALUES ($1)", number)


class _session:  # noqa: N801  reads as what it is: async with _session(url)
    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> "asyncpg.Connection[asyncpg.Record]":
        self.connection = await asyncpg.connect(self.url)
        return self.connection

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()
