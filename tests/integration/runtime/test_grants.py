"""What the application role may do, table by table: whoever widens a right says so here."""

from collections import defaultdict
from collections.abc import AsyncIterator

import asyncpg
import pytest

from devkit.postgres import SUPERUSER, Database, Postgres
from devkit.pytest_plugin import MakeDatabase
from tests.integration.runtime.conftest import OpenSession, Session
from tests.integration.runtime.test_catalogue import RULES, breaches

SAID = ("lane", "at", "actor", "roles", "action", "subject", "before", "after", "trace_id")

RUNTIME = {
    # Entered unsealed, sealed once, never changed or removed.
    "audit_entry": {"SELECT", "UPDATE (position)", "UPDATE (hash)", *(f"INSERT ({column})" for column in SAID)},
    "audit_head": {"SELECT", "UPDATE"},
    "consumed": {"SELECT", "INSERT", "UPDATE"},
    "division": {"SELECT", "INSERT", "UPDATE (name_zh)", "UPDATE (valid_to)"},  # codes and places never change
    "division_closure": {"SELECT", "INSERT"},
    "idempotency": {"SELECT", "INSERT", "DELETE"},
    "inbox": {"SELECT", "INSERT", "DELETE"},
    "outbox": {"SELECT", "INSERT", "DELETE"},
    "parked_key": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "parked_record": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "relay_lane": {"SELECT", "UPDATE"},
    "relay_owner": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "schema_migration": {"SELECT"},
    "workday_override": {"SELECT", "INSERT", "UPDATE", "DELETE"},
}

RIGHTS = """
SELECT relname, privilege_type AS granted FROM pg_class, aclexplode(relacl)
WHERE relnamespace = 'public'::regnamespace AND grantee = 'qingdan_app'::regrole
UNION ALL
SELECT relname, privilege_type || ' (' || attname || ')' FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid,
    aclexplode(attacl)
WHERE relnamespace = 'public'::regnamespace AND grantee = 'qingdan_app'::regrole
"""

# A right beside the group's would not be in the table above.
OTHERS = """
SELECT relname || ' to ' || grantee::regrole FROM pg_class, aclexplode(relacl)
WHERE relnamespace = 'public'::regnamespace AND grantee NOT IN (relowner, 'qingdan_app'::regrole)
UNION ALL
SELECT relname || '.' || attname || ' to ' || grantee::regrole FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid, aclexplode(attacl)
WHERE relnamespace = 'public'::regnamespace AND grantee NOT IN (relowner, 'qingdan_app'::regrole)
"""


async def rights(session: Session) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in await session.fetch(RIGHTS):
        found[row["relname"]].add(row["granted"])
    return dict(found)


@pytest.fixture
async def catalogue(
    request: pytest.FixtureRequest, postgres: Postgres, make_database: MakeDatabase
) -> AsyncIterator[Session]:
    database: Database = make_database(request.param)
    session = await asyncpg.connect(postgres.url(SUPERUSER, database.name))
    yield session
    await session.close()


@pytest.mark.parametrize("catalogue", ["runtime"], indirect=True)
async def test_the_runtime_grants_this_and_nothing_else(catalogue: Session) -> None:
    assert await rights(catalogue) == RUNTIME
    assert await catalogue.fetch(OTHERS) == []


QUEUES = {"finished_duration"}
"""What is taken from a queue is counted elsewhere in the same transaction, and gone."""


@pytest.mark.parametrize("catalogue", ["tasks", "inspection", "signage"], indirect=True)
async def test_a_service_grants_nothing_beyond_the_runtime_s_and_removes_nothing_of_its_own(catalogue: Session) -> None:
    granted = await rights(catalogue)
    assert {table: granted.pop(table) for table in RUNTIME} == RUNTIME
    assert granted  # it has tables of its own
    kinds = {table: {right.partition(" (")[0] for right in allowed} for table, allowed in granted.items()}
    removing = {table for table, allowed in kinds.items() if not allowed <= {"SELECT", "INSERT", "UPDATE"}}
    assert removing - QUEUES == set()
    assert await catalogue.fetch(OTHERS) == []


WIDER = {
    "GRANT DELETE ON audit_entry TO qingdan_app": {"DELETE"},
    "GRANT UPDATE (after) ON audit_entry TO qingdan_app": {"UPDATE (after)"},
    "GRANT UPDATE ON audit_entry TO qingdan_app": {"UPDATE"},
    "GRANT TRUNCATE ON audit_entry TO qingdan_app": {"TRUNCATE"},
}


@pytest.mark.parametrize("wider", WIDER)
async def test_a_wider_right_is_seen(superuser: OpenSession, wider: str) -> None:
    async with superuser() as session:
        await session.execute(wider)
        assert (await rights(session))["audit_entry"] - RUNTIME["audit_entry"] == WIDER[wider]


@pytest.mark.parametrize("to", ["PUBLIC", "runtime_app"])
async def test_a_right_beside_the_group_s_is_seen(superuser: OpenSession, to: str) -> None:
    async with superuser() as session:
        assert await session.fetch(OTHERS) == []
        await session.execute(f"GRANT SELECT ON outbox TO {to}; GRANT UPDATE (owner) ON relay_lane TO {to}")
        assert len(await session.fetch(OTHERS)) == 2


async def test_a_database_is_closed_to_other_services_and_grows_nothing(
    superuser: OpenSession, make_database: MakeDatabase
) -> None:
    make_database("tasks")  # so that its role is there
    async with superuser() as session:
        for role, is_ours in (("runtime_app", True), ("tasks_app", False), ("tasks_owner", False)):
            # Temporary tables are a session's own: what is written in bulk goes through one (runtime.bulk).
            for right, may in (("CONNECT", is_ours), ("CREATE", False), ("TEMPORARY", is_ours)):
                held = await session.fetchval("SELECT has_database_privilege($1, current_database(), $2)", role, right)
                assert (role, right, held) == (role, right, may)


ROLES = {
    "an application role with rights that no policy binds": "CREATE ROLE planted_app BYPASSRLS",
    "an application role that may act as the owner": "CREATE ROLE planted_app; GRANT runtime_owner TO planted_app",
}


@pytest.mark.parametrize("rule", ROLES)
async def test_a_role_with_too_many_rights_is_found(superuser: OpenSession, rule: str) -> None:
    """Planted in a transaction that is rolled back: roles are the whole server's, and no other test sees this one."""
    assert rule in RULES
    async with superuser() as session:
        planting = session.transaction()
        await planting.start()
        await session.execute(ROLES[rule])
        found = await breaches(session)
        await planting.rollback()
        assert set(found[rule]) == {"planted_app"}
        assert await breaches(session) == {}
