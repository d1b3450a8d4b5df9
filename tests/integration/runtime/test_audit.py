"""Nobody rewrites history unseen: whatever is done to an entry behind the application's back, `verify` names it."""

import asyncio
import zlib

import pytest

from qingdan.divisions import COUNTRY
from runtime import audit
from runtime.actor import Role
from runtime.db import Pool, transaction
from tests.integration.runtime.conftest import OPERATOR, SERVICE, OpenSession, person, progressed

AUDITOR = person(Role.AUDITOR, COUNTRY)


def task_of_lane(lane: int, nth: int = 0) -> int:
    """A task whose entries go to that lane."""
    tasks = (task for task in range(1, 10_000) if zlib.crc32(str(progressed(task).task).encode()) % audit.LANES == lane)
    return [next(tasks) for _ in range(nth + 1)][-1]


async def enter(pool: Pool, *tasks: int) -> None:
    """One transaction and one entry for each."""
    for task in tasks:
        async with transaction(pool, OPERATOR) as tx:
            await audit.append(tx, OPERATOR, progressed(task), before={"percent": 10})


async def seal_all(pool: Pool) -> int:
    sealed = 0
    while now := await audit.seal(pool, SERVICE):
        sealed += now
    return sealed


@pytest.fixture
async def sealed(pool: Pool) -> Pool:
    """Six entries in lane 2, two in each other lane."""
    for lane in range(audit.LANES):
        await enter(pool, *[task_of_lane(lane)] * (6 if lane == 2 else 2))
    assert await seal_all(pool) == 12
    assert await audit.verify(pool, AUDITOR) == audit.Verdict(12, None)
    return pool


TAMPERING = {
    "an entry was changed": (
        "UPDATE audit_entry SET after = replace(after, '40', '90') WHERE lane = 2 AND position = 3",
        "lane 2: entry 3 (seq",
    ),
    "the actor was changed": ("UPDATE audit_entry SET actor = 'x' WHERE lane = 2 AND position = 4", "lane 2: entry 4"),
    "the time was changed": (
        "UPDATE audit_entry SET at = at - interval '1 day' WHERE lane = 2 AND position = 1",
        "lane 2: entry 1",
    ),
    "what was before was removed": (
        "UPDATE audit_entry SET before = NULL WHERE lane = 2 AND position = 5",
        "lane 2: entry 5",
    ),
    "an entry was deleted": (
        "DELETE FROM audit_entry WHERE lane = 2 AND position = 3",
        "lane 2: entry 3 is missing",
    ),
    "the first was deleted": ("DELETE FROM audit_entry WHERE lane = 2 AND position = 1", "lane 2: entry 1 is missing"),
    "the last were cut off": (
        "DELETE FROM audit_entry WHERE lane = 2 AND position > 4",
        "lane 2: entries after 4 are missing",
    ),
    "a whole lane was emptied": ("DELETE FROM audit_entry WHERE lane = 2", "lane 2: entries after 0 are missing"),
    "two entries changed places": (
        "UPDATE audit_entry SET position = position - 5 WHERE lane = 2 AND position IN (2, 3);"
        "UPDATE audit_entry SET position = -position WHERE position < 0",
        "lane 2: entry 2",
    ),
    "an entry was inserted in between": (
        "UPDATE audit_entry SET position = -position - 1 WHERE lane = 2 AND position > 3;"
        "UPDATE audit_entry SET position = -position WHERE position < 0;"
        "INSERT INTO audit_entry (lane, at, actor, roles, action, subject, after, position, hash)"
        " SELECT lane, at, actor, roles, action, subject, after, 4, hash FROM audit_entry"
        " WHERE lane = 2 AND position = 3",
        "lane 2: entry 4",
    ),
    "an entry was moved to another lane": (
        "UPDATE audit_entry SET lane = 3, position = 3 WHERE lane = 2 AND position = 6",
        "lane 2: entries after 5 are missing",
    ),
    "the head was rewound": (
        "UPDATE audit_head h SET position = 4, hash = e.hash FROM audit_entry e"
        " WHERE h.lane = 2 AND e.lane = 2 AND e.position = 4",
        "lane 2: entry 5",
    ),
    "the head was removed": ("DELETE FROM audit_head WHERE lane = 2", "lane 2:"),
    "the head has another hash": (
        "UPDATE audit_head SET hash = decode(repeat('ab', 32), 'hex') WHERE lane = 2",
        "lane 2: the head was changed",
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_tampering_is_found_and_the_entry_is_named(sealed: Pool, superuser: OpenSession, what: str) -> None:
    statements, named = TAMPERING[what]
    async with superuser() as session:
        await session.execute("SET session_replication_role = replica")  # triggers do not stop a superuser
        await session.execute(statements)
    verdict = await audit.verify(sealed, AUDITOR)
    assert not verdict.holds
    assert verdict.broken is not None
    assert verdict.broken.startswith(named)


async def test_a_forged_entry_behind_the_head_is_found(sealed: Pool, superuser: OpenSession) -> None:
    """Whoever knows the algorithm can seal an entry correctly, but the head does not know it."""
    async with superuser() as session:
        last = await session.fetchrow("SELECT * FROM audit_entry WHERE lane = 2 AND position = 6")
        assert last is not None
        forged = dict(last) | {"seq": 1_000, "actor": "somebody@else"}
        await session.execute(
            "INSERT INTO audit_entry OVERRIDING SYSTEM VALUE SELECT 1000, lane, at, $1, roles, action, subject, before,"
            " after, trace_id, 7, $2 FROM audit_entry WHERE lane = 2 AND position = 6",
            forged["actor"],
            audit.link(last["hash"], forged),
        )
    verdict = await audit.verify(sealed, AUDITOR)
    assert verdict.broken is not None
    assert verdict.broken.startswith("lane 2: entry 7")


async def test_two_sealers_make_one_chain(pool: Pool) -> None:
    tasks = [task_of_lane(lane, nth) for lane in range(audit.LANES) for nth in range(15)]

    async def seal_until(done: asyncio.Event) -> int:
        sealed = 0
        while not done.is_set():
            sealed += await audit.seal(pool, SERVICE)
        return sealed

    done = asyncio.Event()
    sealers = [asyncio.create_task(seal_until(done)) for _ in range(2)]
    await asyncio.gather(*(enter(pool, *tasks[start::4]) for start in range(4)))
    done.set()
    sealed = sum(await asyncio.gather(*sealers)) + await seal_all(pool)
    assert sealed == len(tasks)
    assert await audit.verify(pool, AUDITOR) == audit.Verdict(len(tasks), None)


async def test_verifying_while_entries_are_sealed_finds_nothing_wrong(pool: Pool) -> None:
    async def work() -> None:
        for task in range(1, 60):
            await enter(pool, task)
            await audit.seal(pool, SERVICE)

    working = asyncio.create_task(work())
    verdicts = []
    while not working.done():
        verdicts.append(await audit.verify(pool, AUDITOR))
    await working
    assert [verdict.broken for verdict in verdicts if not verdict.holds] == []
    assert len(verdicts) > 3


async def test_an_entry_stands_beside_what_it_tells_of_or_not_at_all(pool: Pool) -> None:
    async def breaks_off() -> None:
        async with transaction(pool, OPERATOR) as tx:
            await audit.append(tx, OPERATOR, progressed(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await breaks_off()
    async with transaction(pool, SERVICE) as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit_entry") == 0


async def test_nobody_writes_in_anothers_name(pool: Pool) -> None:
    async with transaction(pool, OPERATOR) as tx:
        with pytest.raises(ValueError, match="the actor of its transaction"):
            await audit.append(tx, AUDITOR, progressed(1))


async def test_the_age_of_what_is_unsealed_is_known(pool: Pool, superuser: OpenSession) -> None:
    async with transaction(pool, SERVICE) as tx:
        assert await audit.unsealed_age_s(tx) == 0.0
    await enter(pool, 1, 2)
    async with superuser() as session:
        await session.execute("UPDATE audit_entry SET at = at - interval '61 s' WHERE seq = 1")
    async with transaction(pool, SERVICE) as tx:
        assert 61.0 <= await audit.unsealed_age_s(tx) < 75.0
    await seal_all(pool)
    async with transaction(pool, SERVICE) as tx:
        assert await audit.unsealed_age_s(tx) == 0.0


async def test_a_sealed_entry_is_sealed_once(sealed: Pool) -> None:
    async def seal_again() -> None:
        async with transaction(sealed, SERVICE) as tx:
            await tx.execute("UPDATE audit_entry SET position = 99 WHERE lane = 2 AND position = 6")

    with pytest.raises(Exception, match="is sealed"):
        await seal_again()
