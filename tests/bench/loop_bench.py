"""`loop`: removal orders through all four hops and back: ordered, claimed, reported, visited, completed, removed."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from devkit.dev_users import COUNTRY
from devkit.everybody import Everybody, Request
from devkit.stack import Stack
from devkit.story.county import DAFANG
from devkit.story.dafang import dafang
from tests.bench.keep_alive import KeepAlive
from tests.bench.results import Result, at_least, at_most, write

ORDERS: Final = 2_000
RUNS: Final = 3
SERVICES: Final = ("tasks", "inspection", "signage")
CONNECTIONS: Final = 12
SIGNS_PER_CALL: Final = 1_000
ORDERS_PER_CALL: Final = 500
GIVE_UP_S: Final = 120.0


def run() -> list[Result]:
    """Orders per second from the first command to the last `sign.removed`; best of three."""
    rates, parked = [], 0
    for number in range(RUNS):
        stack = Stack(SERVICES)
        stack.start()
        try:
            rate, bad = asyncio.run(_measure(stack))
        finally:
            stack.stop()
        rates.append(rate)
        parked += bad
        print(f"  loop {number + 1}/{RUNS}: {rate:,.0f} orders/s, {bad} parked", flush=True)
    return [
        at_least("loop", max(rates), "orders/s", floor=150),
        at_most("loop, parked", parked, "records", ceiling=1),
    ]


async def _measure(stack: Stack) -> tuple[float, int]:
    """Orders per second, and how many records were parked anywhere."""
    clients = {service: KeepAlive(stack.url(service), CONNECTIONS) for service in SERVICES}
    tokens: dict[tuple[str, str], str] = {}

    def token(role: str, division: str) -> str:
        if (role, division) not in tokens:
            tokens[role, division] = stack.token(role, division)
        return tokens[role, division]

    async def send(request: Request) -> None:
        await clients[request.service].post(
            request.path, request.body, token(request.role, request.division), version=request.version
        )

    await _prepare(stack, clients, token)
    everybody = Everybody(stack.bootstrap, DAFANG, send)
    async with everybody.acting():
        began = time.perf_counter()
        left = ORDERS
        while left:
            wanted = {"division": DAFANG, "limit": ORDERS_PER_CALL}
            left = (await clients["signage"].post("/v1/removals", wanted, token("sign_approver", DAFANG)))["left"]
        while len(everybody.removed()) < ORDERS:
            if time.perf_counter() - began > GIVE_UP_S:
                raise RuntimeError(f"only {len(everybody.removed())} of {ORDERS} signs are down after {GIVE_UP_S:g} s")
            await asyncio.sleep(0.02)
        seconds = time.perf_counter() - began
    parked = 0
    for service in SERVICES:
        said = await clients[service].get("/v1/invariants", token("auditor", COUNTRY))
        parked += said["events_parked"]
        await clients[service].close()
    return ORDERS / seconds, parked


async def _prepare(stack: Stack, clients: dict[str, KeepAlive], token: Callable[[str, str], str]) -> None:
    """The tree, the rules, and as many signs that may not hang as orders are wanted, spread over all villages."""
    operator, county = token("operator", COUNTRY), dafang()
    divisions = {"divisions": [division.model_dump(mode="json") for division in county.divisions]}
    for service in SERVICES:
        await clients[service].post("/v1/divisions/import", divisions, operator)
    rules = {"effective_on": "2021-01-01", "rules": [rule.model_dump(mode="json") for rule in county.rules]}
    await clients["signage"].post("/v1/rule-versions", rules, operator)
    signs = county.unwanted_signs(ORDERS)
    for at in range(0, len(signs), SIGNS_PER_CALL):
        await clients["signage"].post(
            "/v1/census", {"signs": signs[at : at + SIGNS_PER_CALL]}, token("town_staff", DAFANG)
        )


if __name__ == "__main__":
    write(run(), Path(sys.argv[1]))
