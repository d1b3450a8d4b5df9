"""`payments`: a payday out through Kafka, through the bank, back, and reconciled with the bank's own statement."""

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import asyncpg

from devkit.bank.statement import statement_lines, totals
from devkit.keys import BANK
from devkit.stack import Stack
from qingdan.ids import RunId
from qingdan.topics import in_bank
from tests.bench.echo import echo_everything
from tests.bench.keep_alive import KeepAlive
from tests.bench.payday_seed import AMOUNT_FEN, approve, frozen_run, people
from tests.bench.results import Result, at_least, at_most, write
from tests.bench.surroundings import as_service, seed_divisions, settle

PAYMENTS: Final = 300_000
COUNTY: Final = "130431000000"
LINES_PER_CALL: Final = 2_000
SETTINGS: Final = {"PAYMENT_SILENT_S": "3600"}
SEEDED: Final = (
    *("identity", "account", "account_identity"),
    *("obligation", "payment", "ledger_entry", "run"),
)
ACCOUNTS: Final = {"budget": -PAYMENTS * AMOUNT_FEN, "paid": PAYMENTS * AMOUNT_FEN}
_POLL_S: Final = 0.1
_GIVE_UP_S: Final = 200.0


def run() -> list[Result]:
    """Payments per second from the approval to the last difference looked for; memory of each process at its highest.

    One replica of the service: where two cores do everything, bank and Kafka too, a second one only takes turns with
    the first. The reference is what Kafka alone takes out and back: as many records of the same size, handed back by a
    process that only echoes.
    """
    stack = Stack(["subsidy"], extra={"subsidy": SETTINGS})
    stack.start()
    try:
        return asyncio.run(_measure(stack))
    finally:
        stack.stop()


async def _measure(stack: Stack) -> list[Result]:
    echoed = await asyncio.to_thread(echo_everything, stack.bootstrap, PAYMENTS)
    print(f"  payments: an echo takes {echoed:,.0f}/s", flush=True)
    async with as_service(stack, "subsidy") as connection:
        await seed_divisions(connection)
        payees = await people(connection, stack.keys.subsidy_public, PAYMENTS)
        run = await frozen_run(connection, COUNTY, payees)
        await settle(stack, "subsidy", *SEEDED)
        began = time.perf_counter()
        await approve(connection, run)
        done = await _until_heard(connection)
        heard = time.perf_counter()
        if done == PAYMENTS:
            await _reconcile(stack, connection, run)
        ended = time.perf_counter()
        if done == PAYMENTS:
            await _check(stack, connection)
    high = _high_water_mb(stack)
    print(
        f"  payments: {done:,} heard of in {heard - began:.1f} s, {done / (heard - began):,.0f}/s,"
        f" statement and reconciliation {ended - heard:.1f} s; "
        + ", ".join(f"{name} {value:.0f} MB" for name, value in high.items()),
        flush=True,
    )
    return [
        at_least(
            "payments",
            done / (ended - began),
            "payments/s",
            floor=4_000,
            reference="as many records through Kafka and a trivial echo",
            reference_value=echoed,
        ),
        *(at_most(f"payments, memory of {name}", value, "MB", ceiling=400) for name, value in high.items()),
    ]


async def _until_heard(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Until every payment has an end, or for so long; how many have. The consumer's own count is asked first: it costs
    nothing."""
    give_up = time.perf_counter() + _GIVE_UP_S
    while True:
        handled = await connection.fetchval(
            "SELECT coalesce(sum(handled), 0)::bigint FROM consumed WHERE topic = $1", in_bank(BANK).name
        )
        late = time.perf_counter() > give_up
        if handled >= PAYMENTS or late:
            ended: int = await connection.fetchval("SELECT count(*) FROM payment WHERE ended_on IS NOT NULL")
            if ended == PAYMENTS or late:
                return ended
        await asyncio.sleep(_POLL_S)


async def _reconcile(stack: Stack, connection: "asyncpg.Connection[asyncpg.Record]", run: RunId) -> None:
    """The bank's statement, as it writes it, is taken in parts and compared with our books."""
    client, token = KeepAlive(stack.url("subsidy"), 1), stack.token("finance_preparer", COUNTY)
    version = await connection.fetchval("SELECT version FROM run WHERE id = $1", run)
    parts = _statement(stack)
    lines = await asyncio.to_thread(next, parts, None)
    while lines:  # the next part is written while the service takes this one
        taken = client.post(f"/v1/runs/{run}/statement", {"lines": lines}, token, version=version)
        lines, _ = await asyncio.gather(asyncio.to_thread(next, parts, None), taken)
        version += 1
    found = await client.post(f"/v1/runs/{run}/reconcile", {}, token, version=version)
    if found["differences"]:
        raise RuntimeError(f"{found['differences']} differences: {found['first'][0]}")
    await client.close()


def _statement(stack: Stack) -> Iterator[list[dict[str, object]]]:
    lines = statement_lines(stack.bank.directory, BANK)
    while part := list(islice(lines, LINES_PER_CALL)):
        yield [
            {
                "payment": str(line.payment),
                "status": line.status,
                "amount_fen": line.amount_fen,
                "bank_reference": line.bank_reference,
            }
            for line in part
        ]


async def _check(stack: Stack, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Everybody was paid, once, and the books sum to nothing; else there is nothing to report."""
    rows = await connection.fetch(
        "SELECT account, sum(amount_fen)::bigint AS fen FROM ledger_line GROUP BY account HAVING sum(amount_fen) <> 0"
    )
    books = {row["account"]: row["fen"] for row in rows}
    counted = await connection.fetch("SELECT state, count(*) AS payments FROM payment GROUP BY state")
    states = {row["state"]: row["payments"] for row in counted}
    bank = totals(stack.bank.directory)
    if (books, states, bank.paid_fen, bank.paid_twice) != (
        ACCOUNTS,
        {"settled": PAYMENTS},
        PAYMENTS * AMOUNT_FEN,
        0,
    ):
        raise RuntimeError(f"not everybody was paid once: {books}, {states}, the bank {bank}")


def _high_water_mb(stack: Stack) -> dict[str, float]:
    """VmHWM of each process in MB (10^6 bytes); of PostgreSQL that of its largest process, shared buffers included."""
    import psutil  # type: ignore[import-untyped]  # noqa: PLC0415

    server = stack.postgres.process
    assert server is not None
    family = [server.pid, *(child.pid for child in psutil.Process(server.pid).children(recursive=True))]
    kafka = stack.kafka.process
    assert kafka is not None
    return {
        "the service": max(_vm_hwm_mb(process.pid) for process in stack.processes),
        "the bank": _vm_hwm_mb(stack.bank.pid),
        "PostgreSQL": max(map(_vm_hwm_mb, family)),
        "Kafka": _vm_hwm_mb(kafka.pid),
    }


def _vm_hwm_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
