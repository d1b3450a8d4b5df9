"""`lifecycles`: publish, claim, progress, complete over HTTP: with no past, and with a million finished tasks."""

import asyncio
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any, Final

from devkit.stack import Stack
from devkit.story.county import jize
from tests.bench.keep_alive import KeepAlive
from tests.bench.million_tasks import ITEM, LIST_VERSION, seed_finished_tasks
from tests.bench.results import Result, at_least, at_most, write
from tests.bench.surroundings import settle

TASKS: Final = 1_000_000
RUNS: Final = 3
SECONDS: Final = 10.0
WARM_S: Final = 2.0
PEOPLE: Final = 16
TOWN: Final = "130431105000"


def run() -> list[Result]:
    """Lifecycles per second with a million tasks beside those with none, best of three each; p95 of every request."""
    stack = Stack(["tasks"])
    stack.start()
    try:
        return asyncio.run(_measure(stack))
    finally:
        stack.stop()


async def _measure(stack: Stack) -> list[Result]:
    county = _County(stack)
    await county.prepare()
    empty = [await county.live("empty", number) for number in range(RUNS)]
    await seed_finished_tasks(stack, county.villages, TASKS)
    full = [await county.live(f"{TASKS:,} tasks", number) for number in range(RUNS)]
    await county.close()
    best_empty, best_full = max(empty), max(full)
    return [
        at_least(
            "lifecycles",
            best_full[0],
            "lifecycles/s",
            floor=100,
            reference="the same with no past",
            reference_value=best_empty[0],
            ratio_floor=0.85,
        ),
        at_most("lifecycles p95 of a request", best_full[1], "ms", ceiling=250),
    ]


class _County:
    """A township that publishes, and its villages that claim, report and finish."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.client = KeepAlive(stack.url("tasks"), PEOPLE)
        self.villages: list[str] = []
        self._numbers = count()
        self._tokens: dict[str, str] = {}
        self._town = stack.token("town_staff", TOWN)
        self._meeting = ""

    async def prepare(self) -> None:
        operator = self.stack.token("operator", "000000000000")
        divisions = [division.model_dump(mode="json") for division in jize().divisions]
        await self.client.post("/v1/divisions/import", {"divisions": divisions}, operator)
        self.villages = [row["code"] for row in divisions if row["code"].startswith(TOWN[:9]) and row["code"] != TOWN]
        self._tokens = {village: self.stack.token("village_cadre", village) for village in self.villages}
        await self.client.post("/v1/list-versions", LIST_VERSION, operator)
        held = {"division": TOWN, "held_on": "2026-01-05", "title": "工作部署会"}
        self._meeting = (await self.client.post("/v1/meetings", held, self._town))["meeting"]

    async def live(self, past: str, number: int) -> tuple[float, float]:
        """Lifecycles per second, and the p95 of all their requests in ms; the first seconds do not count."""
        await settle(self.stack, "tasks", "task", "share", "share_report", "outbox", "audit_entry", "idempotency")
        finished: list[float] = []
        late_ms: list[float] = []
        began = time.perf_counter()
        until = began + WARM_S + SECONDS
        await asyncio.gather(*(self._one_by_one(until, finished, late_ms) for _ in range(PEOPLE)))
        counted = sum(at >= began + WARM_S for at in finished)
        rate, p95 = counted / (time.perf_counter() - began - WARM_S), sorted(late_ms)[int(len(late_ms) * 0.95)]
        print(f"  lifecycles, {past}, {number + 1}/{RUNS}: {rate:,.0f}/s, p95 {p95:.0f} ms", flush=True)
        return rate, p95

    async def _one_by_one(self, until: float, finished: list[float], late_ms: list[float]) -> None:
        while time.perf_counter() < until:
            number = next(self._numbers)
            village = self.villages[number % len(self.villages)]
            ask: dict[str, object] = {"item": ITEM, "department": "MZJ", "kind": "task", "villages": [village]}
            ask |= {"title_zh": f"村级事务{number}", "title_en": f"Village affair {number}"}
            published = await self._timed(late_ms, f"/v1/meetings/{self._meeting}/tasks", ask, self._town, None)
            share, cadre = f"/v1/shares/{published['shares'][0]['share']}", self._tokens[village]
            await self._timed(late_ms, f"{share}/claim", {"limit_working_days": 5}, cadre, 1)
            await self._timed(late_ms, f"{share}/progress", {"percent": 50}, cadre, 2)
            done = await self._timed(late_ms, f"{share}/report-done", {}, cadre, 3)
            assert done["type"] == "share.completed.v1", done
            finished.append(time.perf_counter())

    async def _timed(
        self, late_ms: list[float], path: str, body: dict[str, object], token: str, version: int | None
    ) -> Any:
        began = time.perf_counter()
        answer = await self.client.post(path, body, token, version=version)
        late_ms.append((time.perf_counter() - began) * 1000)
        return answer

    async def close(self) -> None:
        await self.client.close()


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
