"""Every process of the loop is killed at each of its places while orders are under way: each order ends right, once."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from devkit.dev_users import COUNTRY
from devkit.eventually import eventually
from devkit.everybody import Everybody, Request
from devkit.stack import Stack
from devkit.story.county import DAFANG
from devkit.story.dafang import dafang
from devkit.story.subscriber import STAGES_OF_AN_ORDER
from qingdan.divisions import DivisionCode
from tests.chaos.county import OF_A_CONSUMER, OF_A_RELAY, OF_AN_API, County

SERVICES = ("tasks", "inspection", "signage")
PLACES = (*OF_AN_API, *OF_A_CONSUMER, *OF_A_RELAY)
ORDERS_PER_KILL = 4
SIGNS = ORDERS_PER_KILL * (len(SERVICES) * len(PLACES) + 2)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The loop's services on a Kafka and a PostgreSQL of their own."""
    stack = Stack(SERVICES)
    stack.start()
    try:
        asyncio.run(_prepare(stack))
        yield stack
    finally:
        stack.stop()


async def _prepare(stack: Stack) -> None:
    """The tree, the rules, and as many signs that may not hang as will be ordered down."""
    async with County(stack) as people:
        await _enter_county(people)


async def _enter_county(people: County) -> None:
    county = dafang()
    divisions = {"divisions": [division.model_dump(mode="json") for division in county.divisions]}
    for service in SERVICES:
        await people.send(Request(service, "/v1/divisions/import", divisions, "operator", DivisionCode(COUNTRY)))
    rules = {"effective_on": "2021-01-01", "rules": [rule.model_dump(mode="json") for rule in county.rules]}
    await people.send(Request("signage", "/v1/rule-versions", rules, "operator", DivisionCode(COUNTRY)))
    census = {"signs": county.unwanted_signs(SIGNS)}
    await people.send(Request("signage", "/v1/census", census, "town_staff", DAFANG))


@pytest.fixture
async def county(stack: Stack) -> AsyncIterator[County]:
    async with County(stack) as county:
        yield county


@pytest.fixture
async def everybody(county: County) -> AsyncIterator[Everybody]:
    """Villages and the team, who act on what they hear and never give up."""
    everybody = Everybody(county.stack.bootstrap, DAFANG, county.send)
    async with everybody.acting():
        yield everybody


async def order_some(county: County) -> None:
    """Calls that overlap choose the same signs, and all but one of them order fewer: they ask again."""
    missing = ORDERS_PER_KILL
    while missing:
        wanted = {"division": DAFANG, "limit": missing}
        answer = await county.send(Request("signage", "/v1/removals", wanted, "sign_approver", DAFANG))
        missing -= answer["ordered"]
        assert not missing or answer["left"], "there are no signs left that may not hang"


async def assert_every_order_ended_right(county: County, everybody: Everybody, kills: int) -> None:
    """Every order went through each stage once, and the three services agree."""
    await county.caused()
    ordered = kills * ORDERS_PER_KILL
    await eventually(lambda: len(everybody.removed()) == ordered, timeout_s=90.0, what="every sign is down")
    await county.everything_is_told()
    assert len(everybody.orders) == ordered
    told = {order: dict(types) for order, types in everybody.orders.items()}
    assert told == {order: dict.fromkeys(STAGES_OF_AN_ORDER, 1) | extra(types) for order, types in told.items()}
    said = await county.ask("signage", "/v1/statistics")
    orders: int = said["orders"]
    assert said["orders_removed"] == said["signs_removed"] == orders >= ordered
    for service in ("tasks", "inspection"):
        counted = await county.ask(service, "/v1/statistics")
        assert (counted["shares"], counted["shares_completed"]) == (orders, orders)


def extra(types: dict[str, int]) -> dict[str, int]:
    """Visits are told of too, once each: planned and done."""
    return {name: 1 for name in types if name in ("visit.planned.v1", "visit.done.v1")}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", SERVICES)
async def test_a_service_dies_at_each_of_its_places(county: County, everybody: Everybody, victim: str) -> None:
    await county.die_at_each(victim, PLACES, lambda: order_some(county))
    assert county.deaths == [f"{victim} at {place}" for place in PLACES]
    await assert_every_order_ended_right(county, everybody, len(PLACES))


@pytest.mark.timeout(300)
async def test_kafka_dies_while_orders_are_under_way(county: County, everybody: Everybody) -> None:
    await order_some(county)
    await eventually(lambda: everybody.told["share.claimed.v1"] > 0)
    await asyncio.to_thread(county.stack.kafka.kill)
    await order_some(county)  # a command needs no Kafka
    await asyncio.to_thread(county.stack.kafka.start)
    await assert_every_order_ended_right(county, everybody, 2)
