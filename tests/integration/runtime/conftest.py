"""A database with the runtime's tables and two of a service's, a small tree of divisions, and the people in it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from devkit.own_loop import run_in_own_loop
from devkit.postgres import SUPERUSER, Database, Postgres
from devkit.pytest_plugin import MakeDatabase
from qingdan.divisions import COUNTRY, DivisionCode
from qingdan.envelope import service_source
from qingdan.ids import ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import ShareProgressed
from runtime.actor import Actor, Role, service_actor
from runtime.db import Pool, create_pool
from runtime.divisions import DivisionRow, import_divisions
from runtime.migrate import RUNTIME_MIGRATIONS, Migration, migrate, read_migrations

MIGRATIONS = Path(__file__).parent / "migrations"
COUNTY, TOWN, VILLAGE, NEIGHBOUR = "130431000000", "130431105000", "130431105201", "130431105202"
OTHER_TOWN, FAR_VILLAGE = "130431106000", "130431106201"
TREE = {
    "130000000000": None,
    "130400000000": "130000000000",
    COUNTY: "130400000000",
    TOWN: COUNTY,
    VILLAGE: TOWN,
    NEIGHBOUR: TOWN,
    OTHER_TOWN: COUNTY,
    FAR_VILLAGE: OTHER_TOWN,
}
SERVICE = service_actor("ledger")
OPERATOR = Actor("operator@000000000000", frozenset({Role.OPERATOR}), COUNTRY)

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
OpenSession: TypeAlias = Callable[[], AbstractAsyncContextManager[Session]]


def person(role: Role, division: str, department: str | None = None) -> Actor:
    """Somebody with that role there."""
    return Actor(f"{role}@{division}{department or ''}", frozenset({role}), DivisionCode(division), department)


def all_migrations() -> list[Migration]:
    return read_migrations("runtime", RUNTIME_MIGRATIONS) + read_migrations("ledger", MIGRATIONS)


def progressed(task: int, share: int = 1) -> ShareProgressed:
    """Some event, known by its task's number."""
    return ShareProgressed(
        task=TaskId(UUID(int=task)),
        share=ShareId(UUID(int=share)),
        village=DivisionCode(VILLAGE),
        percent=40,
        photo_sha256=(),
        reported_on=date(2026, 3, 2),
        origin=Origin(service="tasks", kind="work_meeting", id=UUID(int=1)),
    )


def tree_rows() -> list[DivisionRow]:
    return [
        DivisionRow(code=DivisionCode(code), name_zh=f"区划{code}", parent_code=parent and DivisionCode(parent))
        for code, parent in TREE.items()
    ]


@pytest.fixture
def database(make_database: MakeDatabase) -> Database:
    """Migrated, with the tree's root only."""
    made = make_database("runtime")
    run_in_own_loop(migrate(made.owner_url, all_migrations()))
    return made


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    """Connections as the application role."""
    opened = await create_pool(database.app_url, source=service_source("ledger"), size_max=8)
    yield opened
    await opened.close()


@pytest.fixture
async def county(pool: Pool) -> Pool:
    """The same, with the tree imported."""
    await import_divisions(pool, OPERATOR, tree_rows())
    return pool


@pytest.fixture
def superuser(postgres: Postgres, database: Database) -> OpenSession:
    """Opens sessions for which no policy, grant or trigger holds: somebody who tampers."""

    @asynccontextmanager
    async def open_session() -> AsyncIterator[Session]:
        session = await asyncpg.connect(postgres.url(SUPERUSER, database.name))
        try:
            yield session
        finally:
            await session.close()

    return open_session
