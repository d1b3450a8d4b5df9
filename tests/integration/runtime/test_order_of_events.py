"""Events appear with their commit, wake the relay then, and stand in the order in which their row was locked."""

import asyncio
from collections.abc import Set
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from runtime import audit, outbox
from runtime.db import Pool, transaction
from runtime.problems import NotFound, Refusal
from tests.integration.runtime.conftest import OPERATOR, SERVICE, OpenSession, progressed

COUNTER = UUID(int=7)
WRITERS, CHANGES_EACH = 12, 5


async def rows(pool: Pool) -> list[dict[str, Any]]:
    async with transaction(pool, SERVICE) as tx:
        return [dict(row) for row in await tx.fetch("SELECT lane, seq, key, value FROM outbox ORDER BY seq")]


async def steps(pool: Pool) -> list[int]:
    """What the events of the counter say, in the order of their rows."""
    return [UUID(orjson.loads(row["value"])["share"]).int for row in await rows(pool)]


@pytest.fixture
async def counter(pool: Pool) -> Pool:
    """The counter stands at nought."""
    async with transaction(pool, SERVICE) as tx:
        await tx.execute("INSERT INTO counter (id, stands_at, version) VALUES ($1, 0, 1)", COUNTER)
    return pool


async def change(pool: Pool) -> None:
    """As every use case does: lock, decide, save, tell."""
    async with transaction(pool, SERVICE) as tx:
        stands_at = await tx.fetchval("SELECT stands_at FROM counter WHERE id = $1 FOR UPDATE", COUNTER) + 1
        await tx.execute("UPDATE counter SET stands_at = $2, version = version + 1 WHERE id = $1", COUNTER, stands_at)
        await outbox.append(tx, progressed(COUNTER.int, stands_at))


async def test_writers_at_once_leave_the_events_of_one_key_in_the_order_of_their_locks(counter: Pool) -> None:
    async def writer() -> None:
        for _ in range(CHANGES_EACH):
            await change(counter)

    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    assert await steps(counter) == list(range(1, WRITERS * CHANGES_EACH + 1))
    assert len({row["lane"] for row in await rows(counter)}) == 1


async def test_without_the_lock_what_was_decided_later_may_stand_first(counter: Pool) -> None:
    """Why the row is locked before the event is appended: the events' order is that of the commits."""
    async with transaction(counter, SERVICE) as earlier:
        await outbox.append(earlier, progressed(COUNTER.int, 1))
        async with transaction(counter, SERVICE) as later:
            await outbox.append(later, progressed(COUNTER.int, 2))
    assert await steps(counter) == [2, 1]


async def test_an_event_is_there_after_the_commit_and_not_before(pool: Pool) -> None:
    async with transaction(pool, OPERATOR) as tx:
        await outbox.append(tx, progressed(1))
        await audit.append(tx, OPERATOR, progressed(1))
        assert await rows(pool) == []
    (row,) = await rows(pool)
    assert (row["lane"], row["key"]) == (outbox.lane_of(row["key"]), str(progressed(1).task))


async def test_row_event_and_entry_are_there_together_or_not_at_all(counter: Pool) -> None:
    async def changed_told_and_broken_off() -> None:
        async with transaction(counter, SERVICE) as tx:
            await tx.execute("UPDATE counter SET stands_at = 9")
            await outbox.append(tx, progressed(1))
            await audit.append(tx, SERVICE, progressed(1))
            await tx.execute("SELECT 1 / 0")

    with pytest.raises(Exception, match="division by zero"):
        await changed_told_and_broken_off()
    assert await rows(counter) == []
    async with transaction(counter, SERVICE) as tx:
        assert await tx.fetchval("SELECT stands_at FROM counter") == 0
        assert await tx.fetchval("SELECT count(*) FROM audit_entry") == 0


# -- the wake ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def wake(pool: Pool) -> asyncio.Event:
    """What the relay waits for."""
    event = asyncio.Event()
    pool.wakes.add(lambda _: event.set())
    return event


async def test_a_commit_with_events_wakes_the_relay_and_nothing_before_it_does(pool: Pool, wake: asyncio.Event) -> None:
    async with transaction(pool, SERVICE) as tx:
        await outbox.append(tx, progressed(1))
        assert not wake.is_set()
    assert wake.is_set()


async def test_the_wake_names_the_lanes_of_what_was_committed(pool: Pool) -> None:
    told: list[Set[int]] = []
    pool.wakes.add(told.append)
    async with transaction(pool, SERVICE) as tx:
        await outbox.append(tx, progressed(1))
        await outbox.append(tx, progressed(1))
        await outbox.append(tx, progressed(2))
        lanes = {row.lane for row in tx.outgoing}
    assert told == [lanes]


async def test_what_tells_nothing_wakes_nobody(pool: Pool, wake: asyncio.Event) -> None:
    async with transaction(pool, OPERATOR) as tx:
        await audit.append(tx, OPERATOR, progressed(1))
    assert not wake.is_set()


async def test_a_rollback_wakes_nobody(pool: Pool, wake: asyncio.Event) -> None:
    async def appended_and_refused() -> None:
        async with transaction(pool, SERVICE) as tx:
            await outbox.append(tx, progressed(1))
            raise NotFound()

    with pytest.raises(NotFound):
        await appended_and_refused()
    assert not wake.is_set()


async def test_a_commit_that_fails_wakes_nobody(counter: Pool, superuser: OpenSession) -> None:
    """A deferred constraint fails in COMMIT itself, when everything has been written."""
    async with superuser() as session:
        await session.execute("ALTER TABLE counter ADD UNIQUE (stands_at) DEFERRABLE INITIALLY DEFERRED")
    wake = asyncio.Event()
    counter.wakes.add(lambda _: wake.set())

    async def a_second_counter_at_nought() -> None:
        async with transaction(counter, SERVICE) as tx:
            await tx.execute("INSERT INTO counter (id, stands_at, version) VALUES ($1, 0, 1)", UUID(int=8))
            await outbox.append(tx, progressed(8))

    with pytest.raises(asyncpg.UniqueViolationError):
        await a_second_counter_at_nought()
    assert not wake.is_set()
    assert await rows(counter) == []


async def test_a_refusal_that_is_a_fact_wakes_the_relay(pool: Pool, wake: asyncio.Event) -> None:
    async def refused_after_commit() -> None:
        async with transaction(pool, SERVICE) as tx:
            await outbox.append(tx, progressed(1))
            tx.refuse_after_commit(NotFound())

    with pytest.raises(Refusal):
        await refused_after_commit()
    assert wake.is_set()
    assert len(await rows(pool)) == 1


def test_a_lane_is_the_same_in_every_process_and_release() -> None:
    """Rows outlive the program that wrote them: another hash would put two owners on one key."""
    lanes = {"": 0, "a": 3, "130431105201": 13, "村": 5, str(UUID(int=1)): 15}  # CRC-32 of the UTF-8 form, modulo 16
    assert {key: outbox.lane_of(key) for key in lanes} == lanes
