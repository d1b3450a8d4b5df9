"""What goes on in turns dies before and after each of them: a death costs that turn at most, and nothing is done twice.

Of an approval that becomes owed, of payments that go out batch by batch, and of files that are made for a bank.
"""

import asyncio
import csv
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from io import StringIO
from itertools import pairwise
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest

from devkit.dev_users import COUNTRY
from devkit.eventually import eventually
from devkit.everybody import Request
from devkit.keys import BANK
from devkit.postgres import SUPERUSER
from devkit.stack import Stack
from devkit.story.county import ANJI
from subsidy.bank_profile_rules import DEFAULT
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
MADE: Final = """
SELECT (SELECT count(*) FROM bank_file WHERE state = 'ready') AS ready, (SELECT count(*) FROM bank_file_part) AS parts,
       (SELECT count(*) FROM batch WHERE channel = 'file') AS batches,
       (SELECT count(*) FROM payment p JOIN batch b ON b.id = p.batch_id WHERE b.channel = 'file') AS sent,
       (SELECT count(*) FROM ledger_entry e JOIN payment p ON p.id = e.payment_id JOIN batch b ON b.id = p.batch_id
        WHERE e.kind = 'sent' AND b.channel = 'file') AS entries,
       (SELECT coalesce(sum(payments), 0)::int FROM bank_file) AS payments,
       (SELECT count(*) FROM bank_file WHERE state = 'making') AS open
"""
APPROVED: Final = """
SELECT id, version, (SELECT count(*) FROM payment p WHERE p.run_id = r.id AND p.state = 'prepared') AS prepared,
       (SELECT count(*) FROM payment p WHERE p.run_id = r.id AND p.waits_for IS NOT NULL) AS open
FROM run r ORDER BY r.id DESC LIMIT 1
"""
KEPT: Final = """
SELECT array_agg(id) FILTER (WHERE state <> 'rejected') AS ids,
       sum(amount_fen) FILTER (WHERE state <> 'rejected')::bigint AS fen
FROM payment WHERE run_id = '{run}'
"""
IN_A_FILE: Final = 60
PASSED_OVER_MAX: Final = 5


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
    until nothing is open any more. What was committed after each turn.

    A turn passes over what another work of the service has locked at that moment: it is then taken again.
    """
    process = county.stack.process("subsidy")
    await asyncio.to_thread(process.kill)
    await county.world_notices("subsidy", process.pid)
    seen, passed_over = [await read(county.stack, query)], 0
    while seen[-1]["open"]:
        await dies(county, f"{BEFORE}/{work}")
        assert await read(county.stack, query) == seen[-1]
        await dies(county, f"{AFTER}/{work}")
        after = await read(county.stack, query)
        if after == seen[-1]:
            passed_over += 1
            assert passed_over < PASSED_OVER_MAX, f"{work} does not get on from {after}"
            continue
        seen.append(after)
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


@pytest.mark.timeout(600)
async def test_no_payment_is_in_two_files_though_each_turn_of_them_dies(county: County) -> None:
    held = f"{BEFORE}/make_bank_files=hold"
    await start(county, held)
    await by_file(county)
    await pay_a_month(county)
    await eventually(lambda: nothing_is_open(county, ENTERED), timeout_s=60.0, what="what was approved is owed")
    run, files = await with_accounts(county), 0
    while run["prepared"]:
        wanted = {"bank": BANK, "payments_max": IN_A_FILE}
        path = f"/v1/runs/{run['id']}/bank-files"
        await county.send(Request("subsidy", path, wanted, "finance_preparer", ANJI, version=run["version"]))
        seen = await walk(county, "make_bank_files", MADE)
        files += 1
        assert len(seen) > 2  # what it holds, and what stands around that
        assert {each["ready"] for each in seen[:-1]} == {files - 1}
        assert 0 < seen[-1]["sent"] - seen[0]["sent"] <= IN_A_FILE
        for each in seen:
            assert each["sent"] == each["entries"] == each["payments"]
        await asyncio.to_thread(county.stack.process("subsidy").start, {"FAILPOINTS": held})
        run = await with_accounts(county)
    assert files > 2
    await assert_each_is_in_one_file(county, run["id"])


async def with_accounts(county: County) -> Mapping[str, Any]:
    """The newest run, when none of its payments waits for an account: one that does goes into a later file."""
    await eventually(lambda: nothing_is_open(county, APPROVED), timeout_s=60.0, what="no payment waits for an account")
    return await read(county.stack, APPROVED)


async def by_file(county: County) -> None:
    """From now on the county's bank takes files."""
    headers = {"Authorization": f"Bearer {county.token('operator', COUNTRY)}", "Idempotency-Key": str(uuid4())}
    async with httpx2.AsyncClient(trust_env=False) as http:
        url = county.stack.url("subsidy") + f"/v1/bank-profiles/{ANJI}/{BANK}"
        answer = await http.put(url, json={"format": "csv"}, headers=headers | {"If-Match": '"0"'})
    assert answer.is_success, answer.text


async def assert_each_is_in_one_file(county: County, run: UUID) -> None:
    """The files as the bank reads them hold each payment once, and the books say that it is on its way."""
    headers = {"Authorization": f"Bearer {county.token('finance_preparer', ANJI)}"}
    written, total = Counter[str](), 0
    async with httpx2.AsyncClient(trust_env=False) as http:
        for file in (await county.ask("subsidy", f"/v1/bank-files?run={run}&limit=200"))["items"]:
            url = county.stack.url("subsidy") + f"/v1/bank-files/{file['file']}/content"
            content = await http.get(url, headers=headers)
            assert content.is_success, content.text
            rows = list(csv.reader(StringIO(content.content.decode("utf-8-sig"))))
            at = rows[0].index(next(each.title for each in DEFAULT.order_columns if each.field == "payment"))
            written.update(row[at] for row in rows[1:-1])
            total += file["total_fen"]
            assert len(rows) == 2 + file["payments"]
    kept = await read(county.stack, KEPT.format(run=run))
    assert written == Counter({each.hex: 1 for each in kept["ids"]})
    assert kept["fen"] == total
    said = await county.ask("subsidy", "/v1/statistics")
    assert (said["ledger_sum_fen"], said["ledger_fen_by_account"]["in_transit"]) == (0, total)
