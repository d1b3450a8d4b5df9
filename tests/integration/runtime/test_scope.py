"""Row-level security fails closed: who is not known sees nothing, and nobody touches another division's rows."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from devkit.postgres import Database
from qingdan.divisions import COUNTRY
from qingdan.envelope import service_source
from runtime.actor import Actor, Role
from runtime.db import Pool, create_pool, transaction
from runtime.scope import DivisionNotKnownHere
from tests.integration.runtime.conftest import (
    COUNTY,
    FAR_VILLAGE,
    NEIGHBOUR,
    OPERATOR,
    SERVICE,
    TOWN,
    VILLAGE,
    OpenSession,
    person,
)

CADRE = person(Role.VILLAGE_CADRE, VILLAGE)
PLACES = {1: (VILLAGE, "MZJ"), 2: (VILLAGE, "JTJ"), 3: (NEIGHBOUR, "MZJ"), 4: (FAR_VILLAGE, "MZJ")}


@pytest.fixture
async def parcels(county: Pool) -> Pool:
    """One parcel for each of PLACES."""
    async with transaction(county, SERVICE) as tx:
        for parcel, (division, department) in PLACES.items():
            await tx.execute(
                "INSERT INTO parcel (id, division_id, department) SELECT $1, id, $3 FROM division WHERE code = $2",
                parcel,
                division,
                department,
            )
    return county


@pytest.fixture
async def one_connection(database: Database) -> AsyncIterator[Pool]:
    """A pool that always hands out the same connection."""
    opened = await create_pool(database.app_url, source=service_source("ledger"), size_min=1, size_max=1)
    yield opened
    await opened.close()


async def seen_by(pool: Pool, actor: Actor) -> list[int]:
    async with transaction(pool, actor) as tx:
        return [row["id"] for row in await tx.fetch("SELECT id FROM parcel ORDER BY id")]


@pytest.mark.parametrize(
    ("actor", "sees"),
    [
        (CADRE, [1, 2]),
        (person(Role.VILLAGE_CADRE, NEIGHBOUR), [3]),
        (person(Role.TOWN_STAFF, TOWN), [1, 2, 3]),
        (person(Role.SUPERVISOR, COUNTY), [1, 2, 3, 4]),
        (person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ"), [1, 3, 4]),
        (person(Role.DEPARTMENT_STAFF, COUNTY, "WJJ"), []),
        (person(Role.AUDITOR, COUNTRY), [1, 2, 3, 4]),
        (SERVICE, [1, 2, 3, 4]),
    ],
    ids=lambda value: value.subject if isinstance(value, Actor) else "",
)
async def test_everybody_sees_their_own_subtree_and_department(parcels: Pool, actor: Actor, sees: list[int]) -> None:
    assert await seen_by(parcels, actor) == sees
    async with transaction(parcels, actor) as tx:
        assert await tx.fetchval("SELECT count(*) FROM parcel") == len(sees)
        assert await tx.fetchval("SELECT parcels FROM parcel_count") == len(sees)
        assert await tx.fetchval("SELECT EXISTS (SELECT 1 FROM parcel WHERE id = 4)") == (4 in sees)


async def test_another_divisions_row_cannot_be_changed_or_removed(parcels: Pool) -> None:
    async with transaction(parcels, CADRE) as tx:
        assert await tx.execute("UPDATE parcel SET version = 2") == "UPDATE 2"
        assert await tx.execute("UPDATE parcel SET version = 9 WHERE id IN (3, 4)") == "UPDATE 0"
        assert await tx.execute("DELETE FROM parcel WHERE id IN (3, 4)") == "DELETE 0"
    async with transaction(parcels, SERVICE) as tx:
        versions = await tx.fetch("SELECT version FROM parcel ORDER BY id")
    assert [row["version"] for row in versions] == [2, 2, 1, 1]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO parcel (id, division_id, department) SELECT 9, id, 'MZJ' FROM division WHERE code = $1",
        "UPDATE parcel SET division_id = (SELECT id FROM division WHERE code = $1) WHERE id = 1",
    ],
    ids=["insert", "move away"],
)
async def test_nothing_can_be_put_into_another_division(parcels: Pool, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(parcels, CADRE) as tx:
            await tx.execute(statement, NEIGHBOUR)


async def test_department_staff_writes_for_its_own_department_only(parcels: Pool) -> None:
    staff = person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ")
    insert = "INSERT INTO parcel (id, division_id, department) SELECT $1, id, $2 FROM division WHERE code = $3"
    async with transaction(parcels, staff) as tx:
        await tx.execute(insert, 5, "MZJ", VILLAGE)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(parcels, staff) as tx:
            await tx.execute(insert, 6, "JTJ", VILLAGE)


@pytest.mark.parametrize("roles", [{Role.AUDITOR}, {Role.AUDITOR, Role.OPERATOR}], ids=len)
async def test_an_auditor_writes_nothing_whatever_other_roles_it_has(parcels: Pool, roles: set[Role]) -> None:
    auditor = Actor("auditor", frozenset(roles), COUNTRY)
    for statement in ("UPDATE parcel SET version = 2", "UPDATE division SET name_zh = 'x'", "DELETE FROM outbox"):
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with transaction(parcels, auditor) as tx:
                await tx.execute(statement)


async def test_a_division_that_is_not_known_here_sees_nothing(parcels: Pool) -> None:
    with pytest.raises(DivisionNotKnownHere):
        await seen_by(parcels, person(Role.VILLAGE_CADRE, "130431999201"))


async def test_an_abolished_division_sees_nothing_any_more(parcels: Pool) -> None:
    async with transaction(parcels, OPERATOR) as tx:
        await tx.execute("UPDATE division SET valid_to = current_date WHERE code = $1", VILLAGE)
    with pytest.raises(DivisionNotKnownHere):
        await seen_by(parcels, CADRE)


async def test_a_refused_transaction_leaves_nothing_behind(parcels: Pool) -> None:
    async def breaks_off() -> None:
        async with transaction(parcels, CADRE) as tx:
            await tx.execute("UPDATE parcel SET version = 7")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await breaks_off()
    async with transaction(parcels, CADRE) as tx:
        assert await tx.fetchval("SELECT max(version) FROM parcel") == 1


# -- without scope: the same scenario on the real policy, and on one without nullif -----------------------------------


async def nothing_is_visible_without_scope(pool: Pool, table: str) -> None:
    """Whether a transaction that applies no scope sees, changes or adds anything."""
    async with pool.connections.acquire() as connection, connection.transaction():
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await connection.execute(f"UPDATE {table} SET department = 'X'") == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"INSERT INTO {table} SELECT 9, 1, 'MZJ'")


async def setting(pool: Pool, name: str) -> str | None:
    async with pool.connections.acquire() as connection:
        value: str | None = await connection.fetchval("SELECT current_setting($1, true)", name)
        return value


async def test_a_connection_that_never_had_a_scope_sees_nothing(parcels: Pool, one_connection: Pool) -> None:
    assert await setting(one_connection, "app.division") is None
    await nothing_is_visible_without_scope(one_connection, "parcel")


async def test_a_connection_whose_scope_was_emptied_sees_nothing(parcels: Pool, one_connection: Pool) -> None:
    assert await seen_by(one_connection, SERVICE) == [1, 2, 3, 4]
    assert await setting(one_connection, "app.division") == ""  # not NULL: this is the trap
    await nothing_is_visible_without_scope(one_connection, "parcel")


async def test_two_actors_on_one_connection_do_not_see_with_each_others_eyes(
    parcels: Pool, one_connection: Pool
) -> None:
    assert await seen_by(one_connection, SERVICE) == [1, 2, 3, 4]
    assert await seen_by(one_connection, CADRE) == [1, 2]
    assert await seen_by(one_connection, person(Role.VILLAGE_CADRE, NEIGHBOUR)) == [3]


UNGUARDED = """
CREATE TABLE unguarded (id integer PRIMARY KEY, division_id integer NOT NULL, department text NOT NULL);
INSERT INTO unguarded VALUES (1, 1, 'MZJ');
GRANT SELECT, INSERT, UPDATE ON unguarded TO qingdan_app;
ALTER TABLE unguarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE unguarded FORCE ROW LEVEL SECURITY;
CREATE POLICY scoped ON unguarded
    USING (division_id::text LIKE current_setting('app.division', true) || '%');
"""


async def test_a_policy_without_nullif_is_caught(parcels: Pool, one_connection: Pool, superuser: OpenSession) -> None:
    async with superuser() as session:
        await session.execute(UNGUARDED)
    await nothing_is_visible_without_scope(one_connection, "unguarded")  # NULL: it looks safe
    await seen_by(one_connection, CADRE)
    with pytest.raises(AssertionError, match="assert 1 == 0"):
        await nothing_is_visible_without_scope(one_connection, "unguarded")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO division (code, level, name_zh, parent_id) VALUES ('990000000000', 'province', 'x', 1)",
        "INSERT INTO workday_override VALUES ('2026-01-01', true, 'x')",
        "INSERT INTO inbox (consumer, source, event_id) VALUES ('x', 'x', 'x')",
        "INSERT INTO audit_entry (lane, at, actor, roles, action, subject, after)"
        " VALUES (0, now(), 'somebody else', 'x', 'x', 'x', '{}')",
        "INSERT INTO idempotency VALUES ('somebody else', 'k', '', 200, NULL, '')",
    ],
    ids=lambda statement: statement.split()[2],
)
async def test_a_person_writes_nothing_of_the_machinery(parcels: Pool, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(parcels, CADRE) as tx:
            await tx.execute(statement)


async def test_a_person_reads_nothing_of_the_machinery(parcels: Pool) -> None:
    for table in ("outbox", "relay_lane", "relay_owner", "inbox", "consumed", "parked_key", "parked_record",
                  "audit_entry", "audit_head"):  # fmt: skip
        async with transaction(parcels, CADRE) as tx:
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 0
    async with transaction(parcels, OPERATOR) as tx:
        assert await tx.fetchval("SELECT count(*) FROM relay_lane") == 16
        assert await tx.fetchval("SELECT count(*) FROM audit_entry") == 1


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
async def test_nobody_changes_or_removes_an_audit_entry(parcels: Pool, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        async with transaction(parcels, SERVICE) as tx:
            await tx.execute(statement)
