"""Whoever has waited longest for a connection gets the next one, however many come after."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from devkit.postgres import Database
from qingdan.envelope import service_source
from runtime import db
from runtime.db import Pool, create_pool, transaction
from tests.integration.runtime.conftest import SERVICE

PEOPLE, TIMES = 60, 8


@pytest.fixture
async def two_connections(database: Database) -> AsyncIterator[Pool]:
    pool = await create_pool(database.app_url, source=service_source("ledger"), size_min=2, size_max=2)
    yield pool
    await pool.close()


async def test_whoever_comes_first_is_served_first(two_connections: Pool) -> None:
    """Many people who come again and again: nobody who comes later is served before one who waits already."""
    came, served = count(), []

    async def somebody() -> None:
        for _ in range(TIMES):
            mine = next(came)
            async with two_connections.connection() as connection:
                served.append(mine)
                await connection.fetchval("SELECT 1")

    await asyncio.gather(*(somebody() for _ in range(PEOPLE)))
    assert len(served) == PEOPLE * TIMES
    assert served == sorted(served)


async def test_waiting_for_too_long_ends_in_a_clear_error_and_takes_no_turn(
    two_connections: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "_ACQUIRE_TIMEOUT_S", 0.05)
    async with transaction(two_connections, SERVICE), transaction(two_connections, SERVICE):
        with pytest.raises(TimeoutError):
            async with transaction(two_connections, SERVICE):
                pytest.fail("there were two connections only")
    async with transaction(two_connections, SERVICE), transaction(two_connections, SERVICE) as tx:
        assert await tx.fetchval("SELECT 1") == 1
