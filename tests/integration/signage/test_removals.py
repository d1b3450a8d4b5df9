"""Removal orders: one for each sign that may not hang, told, audited, and never a second one."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from qingdan.divisions import DivisionCode
from runtime.actor import Actor, Role
from runtime.divisions import DivisionUnknown
from runtime.problems import Forbidden
from signage.show_statistics import show_statistics
from signage.version_rules import OPINIONS_OF_2022
from tests.integration.service_scene import person
from tests.integration.signage.conftest import (
    COUNTY,
    OTHER_COUNTY,
    TOWN,
    XIEDU,
    XINFENG,
    counted,
    sample_census,
)

if TYPE_CHECKING:
    from tests.integration.signage.conftest import Scene


async def test_all_that_may_not_hang_is_ordered_down_and_nothing_else(scene: "Scene") -> None:
    await scene.count(*sample_census())
    answer = await scene.order()
    assert (answer.ordered, answer.left) == (222, 0)
    assert Counter((sign.verdict, sign.state) for sign in await scene.signs()) == {
        ("permitted", "hanging"): 120,
        ("removable", "ordered"): 222,
    }
    orders = await scene.orders()
    assert len({order.sign for order in orders}) == len(orders) == 222
    assert {(order.state, order.legal_basis, order.ordered_on) for order in orders} == {
        ("ordered", OPINIONS_OF_2022, scene.today)
    }
    assert all(order.due_on > scene.today for order in orders)


async def test_an_order_is_told_to_the_village_with_its_words_and_audited(scene: "Scene") -> None:
    await scene.count(counted("谢都村消防安全办公室"))
    await scene.order()
    (order,) = await scene.orders(scene.cadre)
    (told,) = await scene.told()
    assert told == {
        "type": "removal.ordered.v1",
        "order": str(order.order),
        "village": XIEDU,
        "sign": str(order.sign),
        "department": "XFD",
        "code": "SG17",
        "ordered_on": str(scene.today),
        "due_on": str(order.due_on),
        "wording": "谢都村消防安全办公室",
        "legal_basis": OPINIONS_OF_2022,
    }
    audited = await scene.rows("SELECT actor, subject FROM audit_entry WHERE action = 'removal.ordered.v1'")
    assert audited == [{"actor": scene.approver.subject, "subject": XIEDU}]


async def test_a_large_county_takes_as_many_calls_as_it_needs_and_no_sign_is_ordered_twice(scene: "Scene") -> None:
    await scene.count(*sample_census())
    answers = [await scene.order(limit=100) for _ in range(3)]
    assert [(answer.ordered, answer.left) for answer in answers] == [(100, 122), (100, 22), (22, 0)]
    assert (await scene.order()).ordered == 0
    assert len(await scene.told("removal.ordered.v1")) == 222


async def test_approvers_who_order_at_once_order_each_sign_once(scene: "Scene") -> None:
    await scene.count(*sample_census())
    answers = await asyncio.gather(*(scene.order() for _ in range(4)))
    assert sum(answer.ordered for answer in answers) == 222
    assert len(await scene.orders()) == 222


async def test_a_division_is_ordered_alone(scene: "Scene") -> None:
    await scene.count(counted("消防安全办公室"), counted("消防安全办公室", XINFENG))
    answer = await scene.order(TOWN)
    assert (answer.ordered, answer.left) == (1, 0)
    assert [order.village for order in await scene.orders()] == [XIEDU]


async def test_an_approver_orders_in_its_own_scope_only(scene: "Scene") -> None:
    await scene.count(counted("消防安全办公室"), counted("消防安全办公室", XINFENG))
    of_town = replace(scene, approver=person(Role.SIGN_APPROVER, TOWN))
    for foreign in (COUNTY, XINFENG, OTHER_COUNTY, DivisionCode("520521211299")):
        with pytest.raises(DivisionUnknown):
            await of_town.order(foreign)
    assert (await of_town.order(TOWN)).ordered == 1


@pytest.mark.parametrize(
    "actor",
    [
        person(Role.TOWN_STAFF, COUNTY),
        person(Role.VILLAGE_CADRE, XIEDU),
        person(Role.DEPARTMENT_STAFF, COUNTY, "XFD"),
        person(Role.SIGN_APPROVER, COUNTY, "XFD"),  # sees too little to judge
    ],
    ids=lambda actor: f"{min(actor.roles)}-{actor.department}",
)
async def test_others_do_not_order(scene: "Scene", actor: Actor) -> None:
    await scene.count(counted("消防安全办公室"))
    with pytest.raises(Forbidden):
        await replace(scene, approver=actor).order()
    assert await scene.told() == []


async def test_the_statistics_of_a_village_and_of_the_county(scene: "Scene") -> None:
    await scene.count(*sample_census())
    await scene.order()
    county = await show_statistics(scene.pool, scene.staff)
    assert (county.signs_before, county.signs_hanging, county.orders, county.signs_removed) == (342, 342, 222, 0)
    xiedu = await show_statistics(scene.pool, scene.staff, XIEDU)
    assert (xiedu.signs_before, xiedu.orders, xiedu.signs_horizontal + xiedu.signs_vertical) == (13, 10, 13)
    assert await show_statistics(scene.pool, scene.cadre) == xiedu
