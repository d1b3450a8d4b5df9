"""What goes on in turns dies before and after each of them: a death costs that turn at most, and nothing is done twice.

Of an approval that becomes owed, and of payments that go out batch by batch.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

import asyncpg
import pytest

from devkit.eventually import eventually
from devkit.postgres import SUPERUSER
from devkit.stack import Stack
from tests.chaos.county import DEATH_TIMEOUT_S, County
from tests.chaos.payday import SETTINGS, assert_everybody_was_paid_once, pay_a_month, prepare

BEFORE, AFTER = "work.before-commit", "work.after-commit"
ENTERED: Final = """
SELECT (SELECT count(*) FROM run_obliging WHERE checked) AS checked, (SELECT sum(done) FROM run_obliging)::int AS done,
       (SELECT count(*) FROM obligation) AS obligations, (SELECT count(*) FROM payment) AS payments,
       (SELECT count(*) FROM ledger_entry WHERE kind = 'approved') AS entries,
       (SELECT count(*) FROM run_obliging WHERE ended_at IS NULL) AS open
"""
SENT: Final = """
SELECT (SELECT count(*) FROM batch) AS batches, (SELECT count(*) FROM instruction) AS instructions,
       (SELECT count(*) FROM ledger_entry WHERE kind = 'sent') AS entries,
       (SELECT count(*) FROM payment WHERE batch_id IS NOT NULL) AS sent,
       (SELECT count(*) FROM run WHERE state = 'approved') AS open
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    stack = Stack(["subsidy"], extra={"subsidy": SETTINGS})
    stack.start()
    try:
        asyncio.run(prepare(stack))
        yield stack
    finally:
        stack.stop()


@pytest.fixture
async def county(stack: Stack) -> AsyncIterator[County]:
    async with County(stack) as county:
        yield county


async def read(stack: Stack, query: str) -> Mapping[str, Any]:
    """What is committed, whoever is alive."""
    connection = await asyncpg.connect(stack.postgres.url(SUPERUSER, stack.postgres.database("subsidy").name))
    try:
        row = await connection.fetchrow(query)
        assert row is not None
        return dict(row)
    finally:
        await connection.close()


async def start(county: County, failpoints: str) -> None:
    process = county.stack.process("subsidy")
    await asyncio.to_thread(process.terminate)
    await asyncio.to_thread(process.start, {"FAILPOINTS": failpoints})


async def dies(county: County, place: str) -> None:
    """The service comes up with work waiting for it, and dies in its first turn."""
    process = county.stack.process("subsidy")
    await asyncio.to_thread(process.start, {"FAILPOINTS": f"{place}=kill"}, wait_ready=False)
    await eventually(lambda: not process.is_alive(), timeout_s=DEATH_TIMEOUT_S, what=f"the service dies at {place}")
    assert process.wait_ended() == -signal.SIGKILL, process.log_tail()
    await county.world_notices("subsidy", process.pid)


async def walk(county: County, work: str, query: str) -> list[Mapping[str, Any]]:
    """Kill before the commit of each turn, where nothing may have changed, and after it, where something must have;
    until nothing is open any more. What was committed after each turn."""
    process = county.stack.process("subsidy")
    await asyncio.to_thread(process.kill)
    await county.world_notices("subsidy", process.pid)
    seen = [await read(county.stack, query)]
    while seen[-1]["open"]:
        await dies(county, f"{BEFORE}/{work}")
        assert await read(county.stack, query) == seen[-1]
        await dies(county, f"{AFTER}/{work}")
        seen.append(await read(county.stack, query))
        assert seen[-1] != seen[-2]
    return seen


@pytest.mark.timeout(600)
async def test_an_approval_dies_before_and_after_each_of_its_turns(county: County) -> None:
    await start(county, f"{BEFORE}/oblige_run=hold")
    await pay_a_month(county)
    seen = await walk(county, "oblige_run", ENTERED)
    per_turn = int(SETTINGS["OBLIGATIONS_PER_TURN"])
    first, last = seen[0], seen[-1]
    new = last["obligations"] - first["obligations"]
    assert len(seen) == 1 + 1 + -(-new // per_turn) > 4  # the hash, then so many at a time
    assert seen[1]["checked"] == first["checked"] + 1
    done = [each["done"] - first["done"] for each in seen[1:]]
    assert done == [*range(0, new, per_turn), new]
    for each in seen:
        assert each["done"] == each["obligations"] == each["payments"] == each["entries"]
    await asyncio.to_thread(county.stack.process("subsidy").start)
    await assert_everybody_was_paid_once(county, 1)


@pytest.mark.timeout(600)
async def test_payments_go_out_though_each_batch_dies_before_and_after_it(county: County) -> None:
    await start(county, f"{BEFORE}/instruct_payments=hold")
    await pay_a_month(county)
    await eventually(lambda: nothing_is_open(county, ENTERED), timeout_s=60.0, what="what was approved is owed")
    seen = await walk(county, "instruct_payments", SENT)
    assert len(seen) > 4
    for each in seen:
        assert each["instructions"] == each["entries"] == each["sent"]
    batches, per_turn = [each["batches"] for each in seen], int(SETTINGS["BATCHES_PER_TURN"])
    assert {1, per_turn} >= {later - earlier for earlier, later in pairwise(batches[:-1])} >= {per_turn}
    await asyncio.to_thread(county.stack.process("subsidy").start)
    await assert_everybody_was_paid_once(county, 2)


async def nothing_is_open(county: County, query: str) -> bool:
    return not (await read(county.stack, query))["open"]
