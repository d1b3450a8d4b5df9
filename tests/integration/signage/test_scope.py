"""Nobody sees, counts or touches another division's or department's rows."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runtime.actor import Actor, Role
from signage.list_refused_requests import list_refused_requests
from signage.request_sign import request_sign
from signage.show_statistics import Statistics, show_statistics
from signage.sign_rules import SignNotAllowed
from tests.integration.service_scene import person
from tests.integration.signage.conftest import COUNTY, OTHER_COUNTY, TOWN, XIEDU, XINFENG, counted

if TYPE_CHECKING:
    from tests.integration.signage.conftest import Scene

NOTHING = Statistics.model_validate(dict.fromkeys(Statistics.model_fields, 0))


async def busy(scene: "Scene") -> None:
    """Signs of two departments at two villages, all ordered down, and a refused ask."""
    await scene.count(
        counted("消防安全办公室"),
        counted("农家书屋", department="XCB"),
        counted("消防安全办公室", XINFENG),
    )
    await scene.order()
    fire = person(Role.DEPARTMENT_STAFF, COUNTY, "XFD")
    with pytest.raises(SignNotAllowed):
        await request_sign(scene.pool, fire, XIEDU, "消防安全办公室", "inside")


async def seen_by(scene: "Scene", actor: Actor) -> tuple[int, int, int]:
    """How many signs, orders and refused asks the actor's lists hold."""
    refused = await list_refused_requests(scene.pool, actor, limit=5)
    return len(await scene.signs(actor)), len(await scene.orders(actor)), len(refused)


async def counted_for(scene: "Scene", actor: Actor) -> tuple[int, int, int]:
    """The same from the statistics."""
    figures = await show_statistics(scene.pool, actor)
    return figures.signs_hanging, figures.orders, figures.requests_refused


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (person(Role.TOWN_STAFF, COUNTY), (3, 3, 1)),
        (person(Role.TOWN_STAFF, TOWN), (2, 2, 1)),
        (person(Role.VILLAGE_CADRE, XIEDU), (2, 2, 1)),
        (person(Role.VILLAGE_CADRE, XINFENG), (1, 1, 0)),
        (person(Role.DEPARTMENT_STAFF, COUNTY, "XFD"), (2, 2, 1)),
        (person(Role.DEPARTMENT_STAFF, COUNTY, "XCB"), (1, 1, 0)),
        (person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ"), (0, 0, 0)),
        (person(Role.SIGN_APPROVER, OTHER_COUNTY), (0, 0, 0)),
        (person(Role.AUDITOR, COUNTY), (3, 3, 1)),
    ],
    ids=lambda value: f"{min(value.roles)}@{value.division}-{value.department}" if isinstance(value, Actor) else "",
)
async def test_lists_and_counts_hold_what_is_in_scope(
    scene: "Scene", actor: Actor, expected: tuple[int, int, int]
) -> None:
    await busy(scene)
    assert await seen_by(scene, actor) == expected
    assert await counted_for(scene, actor) == expected


async def test_asking_for_another_village_by_name_shows_nothing_of_it(scene: "Scene") -> None:
    await busy(scene)
    assert await scene.signs(scene.cadre, village=XINFENG) == []
    assert await scene.orders(scene.cadre, village=XINFENG) == []
    assert await show_statistics(scene.pool, scene.cadre, XINFENG) == NOTHING


async def test_a_county_orders_nothing_down_in_another(scene: "Scene") -> None:
    await scene.count(counted("消防安全办公室"))
    stranger = person(Role.SIGN_APPROVER, OTHER_COUNTY)
    assert (await replace(scene, approver=stranger).order(OTHER_COUNTY)).ordered == 0
    assert [sign.state for sign in await scene.signs()] == ["hanging"]
