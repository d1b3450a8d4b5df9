"""The three kinds of table that a migration can declare: under a division, for everybody to read, the service's own."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from devkit.postgres import Database
from qingdan.divisions import COUNTRY
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from tests.integration.runtime.conftest import COUNTY, NEIGHBOUR, OPERATOR, SERVICE, VILLAGE, Session, person

CADRE = person(Role.VILLAGE_CADRE, VILLAGE)
STAFF = person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ")
AUDITOR = person(Role.AUDITOR, COUNTRY)

MADE = """
CREATE TABLE orchard (id integer PRIMARY KEY, division_id integer NOT NULL REFERENCES division);
SELECT scope_by_division('orchard');
CREATE TABLE "Order" (id integer PRIMARY KEY, division_id integer NOT NULL REFERENCES division, "Asked by" text);
SELECT scope_by_division('"Order"', 'Asked by');
CREATE TABLE price (id integer PRIMARY KEY);
SELECT scope_as_reference('price');
CREATE TABLE gear (id integer PRIMARY KEY);
SELECT scope_to_service('gear');
GRANT SELECT, INSERT, UPDATE, DELETE ON orchard, "Order", price, gear TO qingdan_app;
"""
FILLED = """
INSERT INTO orchard SELECT 1, id FROM division WHERE code = '130431105201';
INSERT INTO orchard SELECT 2, id FROM division WHERE code = '130431105202';
INSERT INTO "Order" SELECT 1, id, 'MZJ' FROM division WHERE code = '130431105201';
INSERT INTO "Order" SELECT 2, id, 'JTJ' FROM division WHERE code = '130431105201';
INSERT INTO "Order" SELECT 3, id, 'MZJ' FROM division WHERE code = '130431105202';
INSERT INTO price VALUES (1);
INSERT INTO gear VALUES (1);
"""
TABLES = ["orchard", '"Order"', "price", "gear"]


@pytest.fixture
async def owner(database: Database, county: Pool) -> AsyncIterator[Session]:
    """The tables' owner, after a migration that made one table of each kind and two under a division."""
    session = await asyncpg.connect(database.owner_url)
    await session.execute(MADE)
    async with transaction(county, SERVICE) as tx:
        await tx.execute(FILLED)
    yield session
    await session.close()


async def ids(pool: Pool, actor: Actor, table: str) -> list[int]:
    async with transaction(pool, actor) as tx:
        return [row["id"] for row in await tx.fetch(f"SELECT id FROM {table} ORDER BY id")]


async def can(pool: Pool, actor: Actor, statement: str) -> bool:
    """Whether the statement writes a row; a refusal by row-level security and no row found are both a no."""
    try:
        async with transaction(pool, actor) as tx:
            return not (await tx.execute(statement)).endswith(" 0")
    except (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError):
        return False


SEES = {
    CADRE: ([1], [1, 2]),
    person(Role.VILLAGE_CADRE, NEIGHBOUR): ([2], [3]),
    STAFF: ([1, 2], [1, 3]),
    person(Role.SUPERVISOR, COUNTY): ([1, 2], [1, 2, 3]),
    OPERATOR: ([1, 2], [1, 2, 3]),
    SERVICE: ([1, 2], [1, 2, 3]),
}


async def test_a_table_under_a_division_is_bound_to_a_department_only_where_a_column_is_named(
    county: Pool, owner: Session
) -> None:
    assert {actor: (await ids(county, actor, "orchard"), await ids(county, actor, '"Order"')) for actor in SEES} == SEES


async def test_a_row_without_a_department_belongs_to_none_and_is_seen_by_those_bound_to_none(
    county: Pool, owner: Session
) -> None:
    async with transaction(county, SERVICE) as tx:
        await tx.execute('UPDATE "Order" SET "Asked by" = NULL WHERE id = 1')
    assert await ids(county, STAFF, '"Order"') == [3]
    assert await ids(county, CADRE, '"Order"') == [1, 2]


@pytest.mark.parametrize(
    ("table", "readers", "writers"),
    [("price", {CADRE, STAFF, AUDITOR, OPERATOR, SERVICE}, {OPERATOR, SERVICE}),
     ("gear", {AUDITOR, OPERATOR, SERVICE}, {SERVICE})],
    ids=["reference", "service"],
)  # fmt: skip
async def test_who_reads_and_who_writes_reference_and_machinery(
    county: Pool, owner: Session, table: str, readers: set[Actor], writers: set[Actor]
) -> None:
    everybody = [CADRE, STAFF, AUDITOR, OPERATOR, SERVICE]
    assert {actor for actor in everybody if await ids(county, actor, table)} == readers
    for number, actor in enumerate(everybody, start=10):
        may = actor in writers
        assert await can(county, actor, f"INSERT INTO {table} VALUES ({number})") is may
        assert await can(county, actor, f"UPDATE {table} SET id = id + 100 WHERE id < 100") is may
        assert await can(county, actor, f"DELETE FROM {table} WHERE id = {number + 100}") is may


async def test_nothing_is_seen_or_written_without_a_scope(county: Pool, owner: Session) -> None:
    async with county.connections.acquire() as connection:
        for table in TABLES:
            assert (table, await connection.fetchval(f"SELECT count(*) FROM {table}")) == (table, 0)
            assert await connection.execute(f"UPDATE {table} SET id = 100") == "UPDATE 0"
            assert await connection.execute(f"DELETE FROM {table}") == "DELETE 0"
            columns = ", 1" if table in {"orchard", '"Order"'} else ""
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await connection.execute(f"INSERT INTO {table} SELECT 9{columns}")


async def test_the_owner_is_bound_as_everybody_is(owner: Session) -> None:
    for table in TABLES:
        assert (table, await owner.fetchval(f"SELECT count(*) FROM {table}")) == (table, 0)
        await owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") > 0  # what FORCE holds back


POLICIES = """
SELECT c.relname || '.' || p.polname AS policy, pg_get_expr(p.polqual, p.polrelid) AS rule
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE p.polname IN ('scoped', 'known_actors_read') AND c.relname <> ALL ('{division,division_closure}'::text[])
"""


async def test_who_is_asking_is_looked_up_once_for_a_statement_and_not_for_each_row(owner: Session) -> None:
    """Of the tables that were there before, and of those made since."""
    policies = {row["policy"]: row["rule"] for row in await owner.fetch(POLICIES)}
    assert {"orchard.scoped", "price.known_actors_read", "workday_override.known_actors_read"} <= policies.keys()
    asked = re.compile(r"app_(?:actor|kind|department|division)\(\)")
    in_row = {name: rule for name, rule in policies.items() if asked.search(re.sub(r"SELECT app_\w+\(\)", "", rule))}
    assert in_row == {}
    assert all(asked.search(rule) for rule in policies.values())
