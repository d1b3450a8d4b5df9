"""`commands`: claims over HTTP with token, row-level security, audit and outbox, against bare transactions."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import asyncpg

from devkit.stack import Stack
from tests.bench.claimable_shares import seed_shares
from tests.bench.results import Result, at_least, at_most, write
from tests.bench.surroundings import as_service, seed_divisions, settle

RUNS = 3
SECONDS = 8
CONNECTIONS = 32
REFERENCE_CONNECTIONS = 16
REFERENCE_CLAIMS = 6_000
CLAIMS_PER_RUN = 24_000

_RESULT = re.compile(r"RESULT (?P<requests>\d+) (?P<failed>\d+) (?P<duration_us>\d+) (?P<p99_us>\d+)")


class NoLoadGenerator(RuntimeError):
    """wrk is not installed: on Debian, `apt-get install wrk`."""


def run() -> list[Result]:
    """Claims per second and p99 at 32 connections; best of three, each beside its reference."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NoLoadGenerator(NoLoadGenerator.__doc__)
    stack = Stack(["tasks"], extra={"tasks": {"PARTS": "http"}})
    stack.start()
    try:
        return asyncio.run(_measure(stack, wrk))
    finally:
        stack.stop()


async def _measure(stack: Stack, wrk: str) -> list[Result]:
    async with as_service(stack, "tasks") as connection:
        villages = await seed_divisions(connection)
        tokens = {village: stack.token("village_cadre", village) for village in villages}
        rates, p99s, references = [], [], []
        for number in range(RUNS):
            shares = await seed_shares(connection, villages, CLAIMS_PER_RUN + REFERENCE_CLAIMS)
            await settle(stack, "tasks", "share", "outbox", "audit_entry", "idempotency")
            references.append(await _bare_transactions(stack, [share for share, _ in shares[CLAIMS_PER_RUN:]]))
            lines = stack.run.path / f"claims-{number}.txt"
            lines.write_text("".join(f"{share} {tokens[village]}\n" for share, village in shares[:CLAIMS_PER_RUN]))
            rate, p99_ms = await asyncio.to_thread(_load, wrk, stack.url("tasks"), lines)
            claimed = await connection.fetchval("SELECT count(*) FROM share WHERE state = 'claimed' AND version = 2")
            print(
                f"  commands {number + 1}/{RUNS}: {rate:,.0f}/s, p99 {p99_ms:.0f} ms,"
                f" bare {references[-1]:,.0f}/s, {claimed} claimed so far",
                flush=True,
            )
            rates.append(rate)
            p99s.append(p99_ms)
            await connection.execute("DELETE FROM outbox")
    best = max(range(RUNS), key=lambda n: rates[n])
    return [
        at_least(
            "commands",
            rates[best],
            "claims/s",
            floor=500,
            reference="the same rows by bare asyncpg transactions, 16 connections",
            reference_value=references[best],
            ratio_floor=0.12,
        ),
        at_most("commands p99", p99s[best], "ms", ceiling=120),
    ]


def _load(wrk: str, url: str, lines: Path) -> tuple[float, float]:
    answer = subprocess.run(
        [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", Path(__file__).parent / "claims.lua", url],
        env=os.environ | {"CLAIMS": str(lines)},
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS + 30,
    )
    found = _RESULT.search(answer.stdout)
    if found is None or int(found["failed"]):
        raise RuntimeError(f"the load run failed:\n{answer.stdout}{answer.stderr}")
    return int(found["requests"]) / int(found["duration_us"]) * 1e6, int(found["p99_us"]) / 1000


_AUDIT = (
    "INSERT INTO audit_entry (lane, at, actor, roles, action, subject, after) VALUES"
    " (0, clock_timestamp(), 'bench', 'village_cadre', 'share.claimed.v1', $1, $2)"
)


async def _bare_transactions(stack: Stack, shares: list[UUID]) -> float:
    """The same rows without HTTP, token, scope or rules; as the owner, who is bound by the same policies."""
    url = stack.postgres.url("postgres", stack.postgres.database("tasks").name)
    pool = await asyncpg.create_pool(url, min_size=REFERENCE_CONNECTIONS, max_size=REFERENCE_CONNECTIONS)
    left = iter(shares)
    body = "x" * 400
    headers = "h" * 450

    async def work() -> None:
        async with pool.acquire() as connection:
            for share in left:
                async with connection.transaction():
                    await connection.execute(
                        "UPDATE share SET state = 'claimed', limit_working_days = 12, claimed_on = '2021-01-04',"
                        " due_on = '2021-01-20', provisional = false, version = version + 1 WHERE id = $1",
                        share,
                    )
                    await connection.execute(
                        "INSERT INTO outbox (lane, id, topic, key, headers, value)"
                        " VALUES (0, $1, 'pub.tasks.v1', $2, $3, $4)",
                        share,
                        str(share),
                        headers,
                        body.encode(),
                    )
                    await connection.execute(_AUDIT, str(share), body)
                    await connection.execute(
                        "INSERT INTO idempotency (actor, key, request_hash, status, etag, body)"
                        " VALUES ('bench', $1, $2, 200, '\"2\"', $3)",
                        str(share),
                        share.bytes * 2,
                        body,
                    )

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(REFERENCE_CONNECTIONS)))
    seconds = time.perf_counter() - began
    await pool.close()
    return len(shares) / seconds


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
