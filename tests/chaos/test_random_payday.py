"""Fifty deaths at random moments of paydays with a bank that lies: nobody is paid twice, and nobody is forgotten."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from devkit.bank.settings import Behaviour
from devkit.eventually import eventually
from devkit.stack import Stack
from tests.chaos.county import County
from tests.chaos.payday import (
    SETTINGS,
    UNDER_WAY,
    assert_every_run_waits_for_its_end_only,
    assert_everybody_was_paid_once,
    pay_a_month,
    prepare,
)

# Whoever dies most often has most to lose; the service is relay, consumers and works at once.
DEATHS = {"subsidy": 24, "bank": 16, "postgres": 6, "kafka": 4}
MOMENT_S_MAX = 1.5
"""A month's payments take about as long from the click to their last result."""
UNDER_WAY_MAX = 100
LIAR = Behaviour(
    rejects_per_mille=50, repeats_per_mille=50, silent_per_mille=50, out_of_order_per_mille=50, delay_s=0.5
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The service and the bank on a Kafka and a PostgreSQL of their own, with facts of a few thousand people."""
    stack = Stack(["subsidy"], extra={"subsidy": SETTINGS}, bank_behaviour=LIAR)
    stack.start()
    try:
        asyncio.run(prepare(stack))
        yield stack
    finally:
        stack.stop()


@pytest.mark.timeout(1200)
async def test_fifty_deaths_at_random_moments(stack: Stack) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    dice = random.Random(seed)
    victims = [victim for victim, times in DEATHS.items() for _ in range(times)]
    dice.shuffle(victims)
    async with County(stack) as county, paying(county) as months:
        for victim in victims:
            await a_moment(dice.uniform(0.0, MOMENT_S_MAX))
            await county.dies(victim)
        months.enough.set()
        await months.clicking
        print(f"deaths {Counter(county.deaths)}, months {months.paid}")
        assert Counter(county.deaths) == DEATHS
        await assert_everybody_was_paid_once(county, months.paid)
        await assert_every_run_waits_for_its_end_only(county)
        said = (await county.ask("subsidy", "/v1/statistics"))["payments_by_state"]
        assert said["rejected"] > 0  # the bank did lie


class Months:
    """One month after the other, until it is enough."""

    def __init__(self, county: County) -> None:
        self.paid, self.enough = 0, asyncio.Event()
        self.clicking = asyncio.ensure_future(self._click(county))

    async def _click(self, county: County) -> None:
        while not self.enough.is_set():
            await pay_a_month(county)
            self.paid += 1
            await eventually(lambda: _little_is_under_way(county), timeout_s=180.0, every_s=0.2)


async def _little_is_under_way(county: County) -> bool:
    """So that deaths meet every step of a month, and what is behind does not grow without end."""
    states = (await county.ask_patiently("subsidy", "/v1/statistics"))["payments_by_state"]
    return bool(sum(states[state] for state in UNDER_WAY) <= UNDER_WAY_MAX)


@asynccontextmanager
async def paying(county: County) -> AsyncIterator[Months]:
    months = Months(county)
    try:
        yield months
    finally:
        months.clicking.cancel()
        await asyncio.gather(months.clicking, return_exceptions=True)


async def a_moment(seconds: float) -> None:
    """Deaths come when they come: nothing is waited for."""
    never = asyncio.Event()
    try:
        await asyncio.wait_for(never.wait(), seconds)
    except TimeoutError:
        return
