"""`spike`: three times what the service can take, for twenty seconds: everybody is answered, and nothing is lost."""

import asyncio
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from devkit.stack import Stack
from tests.bench.claimable_shares import seed_shares
from tests.bench.open_loop import Answered, OpenLoop
from tests.bench.results import Result, at_least, at_most, write
from tests.bench.surroundings import as_service, seed_divisions, settle

SHARES: Final = 120_000
CAPACITY_S: Final = 8.0
CAPACITY_PEOPLE: Final = 32
STEADY_OF_CAPACITY: Final = 0.5
STEADY_S: Final = 8.0
SPIKE_TIMES: Final = 3.0
SPIKE_S: Final = 20.0
AFTER_S: Final = 12.0
PATIENCE_S: Final = 5.0
STEADY_AGAIN: Final = 1.5  # the p95 of a second after the spike, as a multiple of the worst second's before it
WARM_S: Final = 3.0
GOOD: Final = frozenset({200, 429, 503})


def run() -> list[Result]:
    """Late answers, answers other than 2xx, 429 and 503, acknowledged claims lost, seconds to recover."""
    stack = Stack(["tasks"])
    stack.start()
    try:
        return asyncio.run(_measure(stack))
    finally:
        stack.stop()


async def _measure(stack: Stack) -> list[Result]:
    async with as_service(stack, "tasks") as connection:
        claims = _Claims(stack, await seed_shares(connection, await seed_divisions(connection), SHARES))
        await settle(stack, "tasks", "share", "outbox", "audit_entry", "idempotency")
        await claims.capacity(WARM_S)
        capacity = await claims.capacity(CAPACITY_S)
        steady_per_s = capacity * STEADY_OF_CAPACITY
        began = time.perf_counter()
        before = await claims.offer(steady_per_s, STEADY_S)
        spike = await claims.offer(capacity * SPIKE_TIMES, SPIKE_S)
        ended = time.perf_counter()
        after = await claims.offer(steady_per_s, AFTER_S)
        claims.loop.close()
        lost = await claims.lost(connection)
    steady_ms = max(_p95_of_seconds(before, began).values())
    recovered_s = _recovered_s(after, ended, steady_ms)
    statuses = Counter(answer.status for answer in spike)
    late = sum(answer.status < 0 or answer.late_s > PATIENCE_S for answer in spike)
    strange = sum(times for status, times in statuses.items() if status not in GOOD)
    print(
        f"  spike: capacity {capacity:,.0f}/s, offered {len(spike) / SPIKE_S:,.0f}/s, answers {dict(statuses)},"
        f" worst second's p95 before {steady_ms:.0f} ms, recovered after {recovered_s:.1f} s",
        flush=True,
    )
    return [
        at_most("spike, answered later than 5 s or never", late, "requests", ceiling=1),
        at_most("spike, answers other than 2xx, 429, 503", strange, "requests", ceiling=1),
        at_most("spike, acknowledged claims lost", lost, "claims", ceiling=1),
        at_most("spike, steady again after", recovered_s, "s", ceiling=5),
        at_least(
            "spike, carried out meanwhile",
            statuses[200] / SPIKE_S,
            "claims/s",
            floor=0,
            reference="capacity",
            reference_value=capacity,
        ),
        at_most("spike, turned away", 100 * (statuses[429] + statuses[503]) / len(spike), "%", ceiling=100.1),
    ]


class _Claims:
    """Shares that are claimed, each once and in turn."""

    def __init__(self, stack: Stack, shares: list[tuple[UUID, str]]) -> None:
        address = urlsplit(stack.url("tasks"))
        tokens = {village: stack.token("village_cadre", village) for village in {village for _, village in shares}}
        self._shares = shares
        self._heads = {
            village: f"Host: {address.netloc}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f'If-Match: "1"\r\nContent-Length: {len(_BODY)}\r\n'
            for village, token in tokens.items()
        }
        self._next = iter(range(len(shares)))
        self.loop = OpenLoop(address.hostname or "127.0.0.1", address.port or 80, self._request)

    def _request(self, number: int) -> bytes:
        share, village = self._shares[number]
        return (
            f"POST /v1/shares/{share}/claim HTTP/1.1\r\n{self._heads[village]}Idempotency-Key: {share}\r\n\r\n"
        ).encode() + _BODY

    async def offer(self, per_s: float, seconds: float) -> list[Answered]:
        return await self.loop.offer(per_s, seconds, self._next, patience_s=PATIENCE_S)

    async def capacity(self, seconds: float) -> float:
        """Claims per second with so many people who wait for each answer."""
        until = time.perf_counter() + seconds
        statuses: Counter[int] = Counter()

        async def somebody() -> None:
            while time.perf_counter() < until:
                answer = await self.loop.once(next(self._next))
                statuses[answer.status] += 1

        await asyncio.gather(*(somebody() for _ in range(CAPACITY_PEOPLE)))
        return statuses[200] / seconds

    async def lost(self, connection: "asyncpg.Connection[asyncpg.Record]") -> int:
        """Claims that were answered with yes and are not there."""
        promised = [self._shares[answer.number][0] for answer in self.loop.answers if answer.status == 200]
        kept: int = await connection.fetchval(
            "SELECT count(*) FROM share WHERE id = ANY($1::uuid[]) AND state = 'claimed'", promised
        )
        return len(promised) - kept


_BODY: Final = b'{"limit_working_days": 12}'


def _p95_ms(answers: list[Answered]) -> float:
    return sorted(answer.late_s for answer in answers)[int(len(answers) * 0.95)] * 1000


def _recovered_s(after: list[Answered], ended: float, steady_ms: float) -> float:
    """From the end of the spike until the first second from which on every second is as it was before."""
    slow = [second for second, p95_ms in _p95_of_seconds(after, ended).items() if p95_ms > STEADY_AGAIN * steady_ms]
    return max(slow) + 1.0 if slow else 0.0


def _p95_of_seconds(answers: list[Answered], began: float) -> dict[int, float]:
    """In ms, of the requests that were due in each second."""
    by_second: dict[int, list[Answered]] = {}
    for answer in answers:
        by_second.setdefault(int(answer.due_s - began), []).append(answer)
    return {second: _p95_ms(each) for second, each in by_second.items()}


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
