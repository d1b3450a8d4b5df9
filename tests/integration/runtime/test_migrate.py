"""Migrations: each file once and whole, in order, by the owner only, and never edited afterwards."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from devkit.postgres import Database
from devkit.pytest_plugin import MakeDatabase
from runtime.migrate import Migration, MigrationError, migrate, pending, read_migrations
from tests.integration.runtime.conftest import all_migrations

FIRST = Migration("probe", 1, "first", "CREATE TABLE first (id int);")
SECOND = Migration("probe", 2, "second", "CREATE TABLE second (id int);")


@pytest.fixture
def empty(make_database: MakeDatabase) -> Database:
    return make_database("empty")


async def tables(database: Database) -> set[str]:
    session = await asyncpg.connect(database.owner_url)
    try:
        rows = await session.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        return {row["relname"] for row in rows}
    finally:
        await session.close()


async def test_what_is_missing_is_applied_once_and_in_order(empty: Database) -> None:
    assert await migrate(empty.owner_url, [FIRST]) == [FIRST]
    assert await migrate(empty.owner_url, [FIRST, SECOND]) == [SECOND]
    assert await migrate(empty.owner_url, [FIRST, SECOND]) == []
    assert await tables(empty) == {"first", "second", "schema_migration"}


async def test_an_edited_file_is_refused_and_nothing_behind_it_is_applied(empty: Database) -> None:
    await migrate(empty.owner_url, [FIRST])
    with pytest.raises(MigrationError, match=r"0001_first\.sql was edited after it was applied: restore it"):
        await migrate(empty.owner_url, [replace(FIRST, sql=FIRST.sql + "-- later thought"), SECOND])
    assert "second" not in await tables(empty)


async def test_a_failing_file_keeps_nothing_and_those_before_it_stay(empty: Database) -> None:
    broken = replace(SECOND, sql="CREATE TABLE second (id int); SELECT 1 / 0;")
    with pytest.raises(
        MigrationError, match=r"0002_second\.sql: 22012 division by zero; nothing of this file was kept"
    ):
        await migrate(empty.owner_url, [FIRST, broken])
    assert await tables(empty) == {"first", "schema_migration"}
    assert await migrate(empty.owner_url, [FIRST, SECOND]) == [SECOND]


async def test_a_database_that_is_ahead_of_the_files_is_refused(empty: Database) -> None:
    await migrate(empty.owner_url, [FIRST, SECOND])
    with pytest.raises(MigrationError, match=r"probe 0002 is applied, but this version has no such file"):
        await migrate(empty.owner_url, [FIRST])


async def test_migrators_that_start_together_apply_each_file_once(empty: Database) -> None:
    applied = await asyncio.gather(*(migrate(empty.owner_url, all_migrations()) for _ in range(6)))
    assert sorted(map(len, applied)) == [0, 0, 0, 0, 0, len(all_migrations())]


async def test_the_application_role_cannot_migrate(empty: Database) -> None:
    with pytest.raises(MigrationError, match="as the owner of the tables"):
        await migrate(empty.app_url, [FIRST])
    assert await tables(empty) == set()
    await migrate(empty.owner_url, [FIRST])
    with pytest.raises(MigrationError, match="as the owner of the tables"):
        await migrate(empty.app_url, [FIRST, SECOND])
    assert await tables(empty) == {"first", "schema_migration"}


async def test_a_pod_knows_what_is_pending(empty: Database) -> None:
    session = await asyncpg.connect(empty.app_url)
    try:
        assert await pending(session, [FIRST, SECOND]) == [FIRST, SECOND]
        await migrate(empty.owner_url, [FIRST])
        assert await pending(session, [FIRST, SECOND]) == [SECOND]
        await migrate(empty.owner_url, [FIRST, SECOND])
        assert await pending(session, [FIRST]) == []  # an old pod beside a newer schema goes on
    finally:
        await session.close()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["0001_a.sql", "0003_b.sql"], "without gaps or doubles"),
        (["0001_a.sql", "0001_b.sql"], "without gaps or doubles"),
        (["0002_a.sql"], "without gaps or doubles"),
        (["0001_A.sql"], "name it NNNN_words_in_lower_case.sql"),
        (["1_a.sql"], "name it NNNN_words_in_lower_case.sql"),
    ],
)
def test_files_are_numbered_without_gaps(tmp_path: Path, files: list[str], message: str) -> None:
    for file in files:
        (tmp_path / file).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=message):
        read_migrations("probe", tmp_path)
