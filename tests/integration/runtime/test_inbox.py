"""The inbox: an event is fresh once per consumer, whoever else is entering it, and every record is in the books."""

import asyncio
import contextlib

import pytest

from devkit.eventually import eventually
from qingdan.envelope import Envelope, EventBody, service_source
from runtime import inbox
from runtime.clock import utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id
from runtime.inbox import Tally
from tests.integration.runtime.conftest import SERVICE, OpenSession, progressed

CONSUMER, TOPIC = "ledger", "pub.tasks.v1"


def heard(task: int, *, event_id: str | None = None, source: str = "tasks") -> Envelope[EventBody]:
    return Envelope.of(progressed(task), id=event_id or str(new_id()), source=service_source(source), time=utcnow())


async def enter(pool: Pool, *envelopes: Envelope[EventBody], consumer: str = CONSUMER) -> list[Envelope[EventBody]]:
    async with transaction(pool, SERVICE) as tx:
        return await inbox.enter(tx, consumer, envelopes)


async def test_what_is_new_comes_back_in_order_and_once(pool: Pool) -> None:
    first, second, third = heard(1), heard(2), heard(3)
    assert await enter(pool, second) == [second]
    assert await enter(pool, third, second, first, third, first) == [third, first]
    assert await enter(pool, first, second, third) == []
    assert await enter(pool) == []


async def test_an_event_is_known_by_consumer_source_and_id_together(pool: Pool) -> None:
    event = heard(1)
    assert await enter(pool, event) == [event]
    assert await enter(pool, event, consumer="another") == [event]
    namesake = heard(1, event_id=event.id, source="inspection")
    assert await enter(pool, namesake, event) == [namesake]


async def test_a_rollback_forgets_what_was_entered(pool: Pool) -> None:
    event = heard(1)

    async def entered_and_failed() -> None:
        async with transaction(pool, SERVICE) as tx:
            assert await inbox.enter(tx, CONSUMER, [event]) == [event]
            raise LookupError

    with pytest.raises(LookupError):
        await entered_and_failed()
    assert await enter(pool, event) == [event]


async def test_what_was_handled_is_seen_without_entering_anything(pool: Pool) -> None:
    known, unknown = heard(1), heard(2)
    await enter(pool, known)
    async with transaction(pool, SERVICE) as tx:
        for _ in range(2):
            assert await inbox.seen(tx, CONSUMER, [known, unknown]) == {(known.source, known.id)}
        assert await inbox.seen(tx, "another", [known]) == set()
        assert await inbox.seen(tx, CONSUMER, []) == set()


@pytest.mark.parametrize("fails", [False, True], ids=["and gets nothing", "and gets what that gave up"])
async def test_who_enters_an_event_that_another_is_entering_waits_for_it(
    pool: Pool, superuser: OpenSession, fails: bool
) -> None:
    shared, own = heard(1), heard(2)
    waiting: list[asyncio.Task[list[Envelope[EventBody]]]] = []

    async def enter_first_and_stay() -> None:
        async with superuser() as session, transaction(pool, SERVICE) as tx:
            assert await inbox.enter(tx, CONSUMER, [shared]) == [shared]
            waiting.append(asyncio.create_task(enter(pool, shared, own)))
            await eventually(lambda: session.fetchval(WAITS_FOR_A_LOCK), what="the second waits for the first")
            if fails:
                raise LookupError

    with contextlib.suppress(LookupError):
        await enter_first_and_stay()
    assert await waiting[0] == ([shared, own] if fails else [own])


WAITS_FOR_A_LOCK = """
SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def test_twenty_that_enter_the_same_events_at_once_share_them_out(pool: Pool) -> None:
    events = [heard(task) for task in range(10)]
    fresh = await asyncio.gather(*(enter(pool, *events) for _ in range(20)))
    assert sorted(map(len, fresh)) == [0] * 19 + [10]


async def test_the_books_add_up_per_partition(pool: Pool) -> None:
    async def count(topic: str, tallies: dict[int, Tally]) -> None:
        async with transaction(pool, SERVICE) as tx:
            await inbox.count(tx, CONSUMER, topic, tallies)

    await count(TOPIC, {1: Tally(10, handled=7, skipped=2, parked=1), 0: Tally(5, handled=5)})
    await count(TOPIC, {1: Tally(13, handled=1, repeated=2)})
    await count("pub.inspection.v1", {1: Tally(4, skipped=4)})
    async with transaction(pool, SERVICE) as tx:
        books = await tx.fetch(
            "SELECT topic, partition, next_offset, handled, skipped, parked, repeated FROM consumed"
            " WHERE consumer = $1 ORDER BY topic, partition",
            CONSUMER,
        )
    assert [tuple(row) for row in books] == [
        ("pub.inspection.v1", 1, 4, 0, 4, 0, 0),
        (TOPIC, 0, 5, 5, 0, 0, 0),
        (TOPIC, 1, 13, 8, 2, 1, 2),
    ]


async def test_replicas_that_count_at_once_lose_nothing_and_never_wait_for_each_other(pool: Pool) -> None:
    async def count(*partitions: int) -> None:
        async with transaction(pool, SERVICE) as tx:
            await inbox.count(tx, CONSUMER, TOPIC, {partition: Tally(1, handled=1) for partition in partitions})

    await asyncio.gather(*(count(*((0, 1, 2) if n % 2 else (2, 1, 0))) for n in range(40)))
    async with transaction(pool, SERVICE) as tx:
        rows = await tx.fetch("SELECT handled FROM consumed ORDER BY partition")
    assert [row["handled"] for row in rows] == [40, 40, 40]
