"""Parking: kept exactly as received, in order, followers behind their culprit, released or dropped one by one."""

from typing import Any, TypeAlias

import pytest
from aiokafka import ConsumerRecord

from runtime import parking
from runtime.db import Pool, transaction
from runtime.parking import ParkingFull
from tests.integration.runtime.conftest import SERVICE

CONSUMER, TOPIC = "ledger", "pub.tasks.v1"
Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]


def record(
    offset: int, key: bytes | None = b"k", *, partition: int = 0, headers: Any = (), value: bytes | None = b"v"
) -> Record:
    return ConsumerRecord(
        topic=TOPIC,
        partition=partition,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=-1,
        serialized_value_size=-1,
        headers=headers,
    )


async def park(pool: Pool, *records: Record, behind: int | None = None) -> list[tuple[int, bool]]:
    async with transaction(pool, SERVICE) as tx:
        return [
            await parking.park(tx, CONSUMER, TOPIC, one, reason="invalid_data", attempts=1, behind=behind)
            for one in records
        ]


async def listed(pool: Pool) -> list[parking.Parked]:
    async with transaction(pool, SERVICE) as tx:
        return await parking.list_parked(tx)


async def blocked(pool: Pool, *records: Record) -> set[bytes]:
    async with transaction(pool, SERVICE) as tx:
        return set(await parking.blocked_keys(tx, CONSUMER, TOPIC, records))


async def first(pool: Pool, parked_id: int) -> Record | None:
    async with transaction(pool, SERVICE) as tx:
        return await parking.first_of(tx, parked_id)


EXACT = {
    "null and foreign bytes in headers": record(1, headers=[("a", None), ("b", b"\xff\x00"), ("b", b"twice")]),
    "a header's name with NUL": record(1, headers=[("a\0b", b"1")]),
    "an escape spelt out": record(1, headers=[("a", rb"\u0000"), (r"\u0000", b"")]),
    "a key of bytes": record(1, b"\x00\xff"),
    "a long key": record(1, bytes(range(256)) * 16),
    "no key": record(1, None),
    "a tombstone": record(1, value=None),
    "a long value": record(1, value=bytes(300_000)),
}


@pytest.mark.parametrize("what", EXACT)
async def test_a_record_comes_back_exactly_as_it_was(pool: Pool, what: str) -> None:
    original = EXACT[what]
    ((parked_id, was_new),) = await park(pool, original)
    assert was_new
    again = await first(pool, parked_id)
    assert again is not None
    assert (again.topic, again.partition, again.offset) == (TOPIC, 0, 1)
    assert (again.key, again.value, list(again.headers)) == (original.key, original.value, list(original.headers))
    assert await blocked(pool, original) == {parking.key_of(original)}


async def test_the_copy_for_dead_letters_stays_below_what_a_broker_takes(pool: Pool) -> None:
    huge = record(1, bytes(200_000), headers=[(f"h{n}", bytes(1_000)) for n in range(900)], value=bytes(300_000))
    await park(pool, huge)
    async with transaction(pool, SERVICE) as tx:
        row = await tx.fetchrow("SELECT octet_length(key) + octet_length(headers) AS bytes, value FROM outbox")
    assert row is not None
    assert row["bytes"] < 500_000
    assert row["value"] is None


async def test_a_record_that_is_redelivered_is_parked_once(pool: Pool) -> None:
    ((parked_id, _),) = await park(pool, record(1))
    assert await park(pool, record(1)) == [(parked_id, False)]
    assert await park(pool, record(2), record(2), behind=parked_id) == [(parked_id, True), (parked_id, False)]
    async with transaction(pool, SERVICE) as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 1  # one copy for dead letters


async def test_only_the_culprits_key_is_blocked_and_only_for_its_consumer_and_topic(pool: Pool) -> None:
    await park(pool, record(1, b"ill"))
    assert await blocked(pool, record(2, b"ill"), record(3, b"well"), record(4, None)) == {b"ill"}
    async with transaction(pool, SERVICE) as tx:
        assert await parking.blocked_keys(tx, "another", TOPIC, [record(2, b"ill")]) == {}
        assert await parking.blocked_keys(tx, CONSUMER, "pub.inspection.v1", [record(2, b"ill")]) == {}


async def test_records_leave_in_order_and_the_key_goes_with_the_last(pool: Pool) -> None:
    ((parked_id, _),) = await park(pool, record(5))
    await park(pool, record(7), record(6), behind=parked_id)
    for offset in (5, 6, 7):
        async with transaction(pool, SERVICE) as tx:
            foremost = await parking.first_of(tx, parked_id)
            assert foremost is not None
            assert foremost.offset == offset
            await parking.remove(tx, parked_id, foremost.partition, foremost.offset)
    assert await first(pool, parked_id) is None
    assert await blocked(pool, record(8)) == set()


async def test_retry_marks_for_release_and_a_new_failure_holds_again(pool: Pool) -> None:
    ((parked_id, _),) = await park(pool, record(5))
    async with transaction(pool, SERVICE) as tx:
        assert await parking.releasing(tx, CONSUMER, TOPIC) == []
        assert await parking.retry(tx, parked_id)
        assert await parking.releasing(tx, CONSUMER, TOPIC) == [parked_id]
        await parking.hold_again(tx, parked_id, 0, 5, "LookupError")
        assert await parking.releasing(tx, CONSUMER, TOPIC) == []
    (row,) = await listed(pool)
    assert (row.attempts, row.reason, row.releasing) == (2, "LookupError", False)


async def test_drop_gives_up_the_first_and_releases_the_others(pool: Pool) -> None:
    ((parked_id, _),) = await park(pool, record(5))
    await park(pool, record(6), behind=parked_id)
    async with transaction(pool, SERVICE) as tx:
        assert await parking.drop(tx, parked_id)
    assert [(row.offset, row.culprit, row.releasing) for row in await listed(pool)] == [(6, False, True)]


async def test_what_is_not_parked_can_be_neither_retried_nor_dropped(pool: Pool) -> None:
    async with transaction(pool, SERVICE) as tx:
        assert not await parking.retry(tx, 4711)
        assert not await parking.drop(tx, 4711)
        assert await tx.fetchval("SELECT count(*) FROM audit_entry") == 0


async def test_the_cap_counts_culprits_of_one_partition_within_ten_minutes(pool: Pool) -> None:
    culprits = [record(n, f"k{n}".encode()) for n in range(parking.CAP_PER_PARTITION)]
    ((first_id, _), *_) = await park(pool, *culprits)
    with pytest.raises(ParkingFull, match=r"pub\.tasks\.v1/0: 100 records parked within 600 s"):
        await park(pool, record(500, b"one too many"))
    await park(pool, record(501, b"k0"), behind=first_id)  # followers do not count
    await park(pool, record(1, b"elsewhere", partition=1))


async def test_what_a_list_shows_holds_no_bodies(pool: Pool) -> None:
    await park(pool, record(1, value=b"130431198001011234"))
    (row,) = await listed(pool)
    assert "130431198001011234" not in repr(row)
