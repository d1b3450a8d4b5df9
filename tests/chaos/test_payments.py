"""The subsidy service, the bank and Kafka die at each of their places in the middle of payments: each is paid once."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from devkit.bank.failpoints import Failpoint as BankFailpoint
from devkit.bank.settings import Behaviour
from devkit.stack import Stack
from tests.chaos.county import OF_A_CONSUMER, OF_A_RELAY, OF_A_WORK, OF_AN_API, County
from tests.chaos.payday import SETTINGS, assert_everybody_was_paid_once, pay_a_month, prepare

PLACES = (*OF_AN_API, *OF_A_CONSUMER, *OF_A_RELAY, *OF_A_WORK)
# Bad enough that every kind of answer is under way when somebody dies; all of it follows from the payment's id.
BANK = Behaviour(
    delays_per_mille=100,
    delay_s=0.5,
    repeats_per_mille=100,
    out_of_order_per_mille=100,
    swallows_per_mille=30,
    silent_per_mille=50,
    unknown_per_mille=20,
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The service and the bank on a Kafka and a PostgreSQL of their own, with facts of a few thousand people."""
    stack = Stack(["subsidy"], extra={"subsidy": SETTINGS}, bank_behaviour=BANK)
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


@pytest.mark.timeout(900)
async def test_the_service_dies_at_each_of_its_places(county: County) -> None:
    await county.die_at_each("subsidy", PLACES, lambda: pay_a_month(county))
    assert county.deaths == [f"subsidy at {place}" for place in PLACES]
    await assert_everybody_was_paid_once(county, len(PLACES))


@pytest.mark.timeout(600)
async def test_the_bank_dies_at_each_of_its_places(county: County) -> None:
    await county.bank_dies_at_each(tuple(BankFailpoint), lambda: pay_a_month(county))
    assert county.deaths == [f"bank at {place}" for place in BankFailpoint]
    await assert_everybody_was_paid_once(county, len(BankFailpoint))


@pytest.mark.timeout(300)
async def test_kafka_dies_while_payments_are_under_way(county: County) -> None:
    await pay_a_month(county)
    await asyncio.to_thread(county.stack.kafka.kill)
    await pay_a_month(county)  # a click needs no Kafka
    await asyncio.to_thread(county.stack.kafka.start)
    await assert_everybody_was_paid_once(county, 2)
