"""What bounds the parking: a cap per partition and ten minutes, and pages of a list that together show everything."""

from runtime import parking
from runtime.db import Pool, transaction
from runtime.parking import Parked, ParkingFull
from tests.integration.runtime.conftest import SERVICE, OpenSession
from tests.integration.runtime.test_parking import CONSUMER, TOPIC, park, record


async def fill(pool: Pool) -> None:
    """As many culprits on partition 0 as the cap allows, each with a key of its own."""
    await park(pool, *(record(n, f"k{n}".encode()) for n in range(parking.CAP_PER_PARTITION)))


async def is_full(pool: Pool, *, topic: str = TOPIC, consumer: str = CONSUMER) -> bool:
    """Whether one more culprit on partition 0 is refused; nothing is kept of the attempt."""
    try:
        async with transaction(pool, SERVICE) as tx:
            await parking.park(tx, consumer, topic, record(900, b"one more"), reason="x", attempts=1)
            raise LookupError
    except ParkingFull:
        return True
    except LookupError:
        return False


async def test_the_cap_is_reached_by_one_consumer_on_one_topic(pool: Pool) -> None:
    assert not await is_full(pool)
    await fill(pool)
    assert await is_full(pool)
    assert not await is_full(pool, topic="pub.inspection.v1")
    assert not await is_full(pool, consumer="another")


async def test_the_cap_forgets_after_ten_minutes(pool: Pool, superuser: OpenSession) -> None:
    await fill(pool)
    async with superuser() as session:
        await session.execute("UPDATE parked_record SET parked_at = parked_at - interval '595 s'")
        assert await is_full(pool)
        await session.execute("UPDATE parked_record SET parked_at = parked_at - interval '5 s'")
        assert not await is_full(pool)


async def test_a_full_partition_has_room_again_when_one_is_dropped(pool: Pool) -> None:
    await fill(pool)
    async with transaction(pool, SERVICE) as tx:
        (first, *_) = await parking.list_parked(tx)
        assert await parking.drop(tx, first.id)
    assert not await is_full(pool)


async def page(pool: Pool, after: int) -> list[Parked]:
    async with transaction(pool, SERVICE) as tx:
        return await parking.list_parked(tx, after=after)


async def test_pages_show_every_parked_key_oldest_first(pool: Pool) -> None:
    """A key with more followers than a page holds fills one by itself; none of the other keys is passed by."""
    ((long_id, _), (short_id, _), (last_id, _)) = await park(pool, *(record(1, key) for key in (b"a", b"b", b"c")))
    await park(pool, *(record(offset, b"a") for offset in range(2, 602)), behind=long_id)
    await park(pool, record(7, b"b"), behind=short_id)
    first = await page(pool, 0)
    assert {row.id for row in first} == {long_id}
    assert [row.offset for row in first] == list(range(1, len(first) + 1))
    second = await page(pool, first[-1].id)
    assert [(row.id, row.offset, row.culprit) for row in second] == [
        (short_id, 1, True),
        (short_id, 7, False),
        (last_id, 1, True),
    ]
    assert await page(pool, last_id) == []


async def test_a_follower_leaves_only_behind_its_culprit_whatever_partition_it_came_from(pool: Pool) -> None:
    ((parked_id, _),) = await park(pool, record(9, partition=2))
    await park(pool, record(11, partition=2), record(10, partition=2), behind=parked_id)
    left = []
    async with transaction(pool, SERVICE) as tx:
        while (foremost := await parking.first_of(tx, parked_id)) is not None:
            left.append(foremost.offset)
            await parking.remove(tx, parked_id, foremost.partition, foremost.offset)
    assert left == [9, 10, 11]


async def test_a_new_culprit_on_a_key_that_is_being_released_stops_the_release(pool: Pool) -> None:
    ((parked_id, _),) = await park(pool, record(5))
    async with transaction(pool, SERVICE) as tx:
        assert await parking.retry(tx, parked_id)
    assert await park(pool, record(6)) == [(parked_id, True)]
    async with transaction(pool, SERVICE) as tx:
        assert await parking.releasing(tx, CONSUMER, TOPIC) == []


async def test_what_failed_again_counts_as_a_culprit_from_then_on(pool: Pool) -> None:
    ((parked_id, _),) = await park(pool, record(5))
    await park(pool, record(6), behind=parked_id)
    async with transaction(pool, SERVICE) as tx:
        assert await parking.drop(tx, parked_id)
        await parking.hold_again(tx, parked_id, 0, 6, "Unbearable")
    (row,) = await page(pool, 0)
    assert (row.offset, row.culprit, row.reason, row.attempts, row.releasing) == (6, True, "Unbearable", 2, False)
