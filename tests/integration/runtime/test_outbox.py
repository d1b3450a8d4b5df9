"""The outbox: an event goes with its transaction, and what the broker would reject never gets in."""

import asyncpg
import pytest

from qingdan.envelope import VALUE_BYTES_MAX
from qingdan.event import EventBody
from runtime import outbox
from runtime.actor import Role
from runtime.db import Pool, Tx, transaction
from tests.integration.runtime.conftest import SERVICE, person, progressed


async def append_all(pool: Pool, *events: EventBody, then: type[Exception] | None = None) -> None:
    async with transaction(pool, SERVICE) as tx:
        for event in events:
            await outbox.append(tx, event)
        if then is not None:
            raise then


async def count(pool: Pool) -> int:
    async with transaction(pool, SERVICE) as tx:
        rows: int = await tx.fetchval("SELECT count(*) FROM outbox")
        return rows


async def test_an_event_goes_with_its_transaction(pool: Pool) -> None:
    await append_all(pool, progressed(1), progressed(2))
    with pytest.raises(ZeroDivisionError):
        await append_all(pool, progressed(3), then=ZeroDivisionError)
    assert await count(pool) == 2


def long_event(photos: int) -> EventBody:
    """An event of about 67 bytes for each photo, unchecked as no producer of ours would write it."""
    return progressed(1).model_copy(update={"photo_sha256": tuple(f"{n:064x}" for n in range(photos))})


async def test_an_event_over_256_kib_is_refused_and_nothing_is_written(pool: Pool) -> None:
    fits, too_long = long_event(3_900), long_event(4_000)
    assert len(fits.model_dump_json()) < VALUE_BYTES_MAX < len(too_long.model_dump_json())
    await append_all(pool, fits)
    with pytest.raises(ValueError, match="262144 bytes"):
        await append_all(pool, progressed(2), too_long)
    assert await count(pool) == 1


async def test_the_table_itself_refuses_what_is_too_long(pool: Pool) -> None:
    async def write_past_the_check(tx: Tx) -> None:
        await tx.execute(
            "INSERT INTO outbox (lane, id, topic, key, headers, value)"
            " VALUES (0, gen_random_uuid(), 't', 'k', '{}', $1)",
            bytes(VALUE_BYTES_MAX + 1),
        )

    async def write() -> None:
        async with transaction(pool, SERVICE) as tx:
            await write_past_the_check(tx)

    with pytest.raises(asyncpg.CheckViolationError):
        await write()


async def test_a_person_appends_but_neither_reads_nor_removes(county: Pool) -> None:
    cadre = person(Role.VILLAGE_CADRE, "130431105201")
    async with transaction(county, cadre) as tx:
        await outbox.append(tx, progressed(1))
    async with transaction(county, cadre) as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 0
        assert await tx.execute("DELETE FROM outbox") == "DELETE 0"
    assert await count(county) == 1
