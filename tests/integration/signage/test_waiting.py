"""Who works on the same village, or on the same order, at the same time waits: none undoes what the other did."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from devkit.eventually import eventually
from runtime.actor import Role
from runtime.db import Tx, transaction
from signage import division_store
from signage.request_sign import request_sign
from tests.integration.service_scene import person
from tests.integration.signage.conftest import COUNTY, XIEDU, XINFENG, Scene, Told, counted

WAITING: Final = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def while_held(scene: Scene, hold: Callable[[Tx], Awaitable[object]], work: Awaitable[object]) -> None:
    """Begin `work` while a transaction that did `hold` is open, see that it waits, then let it go on."""
    async with transaction(scene.pool, scene.service) as tx:
        await hold(tx)
        working = asyncio.ensure_future(work)
        await eventually(lambda: scene.rows(WAITING), timeout_s=2.0, every_s=0.01, what="the other one waits")
        assert not working.done()
    await working


async def ask(scene: Scene) -> object:
    department = person(Role.DEPARTMENT_STAFF, COUNTY, "ZWJ")
    return await request_sign(scene.pool, department, XIEDU, "便民服务站", "outside_horizontal")


async def visit(scene: Scene) -> None:
    (order,) = await scene.orders()
    await scene.hear(Told.of(order).visited())


@pytest.mark.parametrize(
    "work",
    [lambda scene: scene.count(counted("农家书屋")), lambda scene: scene.order(), ask, visit],
    ids=["census", "removals", "request", "visit"],
)
async def test_whoever_judges_a_villages_signs_or_tells_of_them_waits_for_whoever_does_so_already(
    scene: Scene, work: Callable[[Scene], Awaitable[object]]
) -> None:
    await scene.ordered()
    await scene.count(counted("消防安全办公室"))
    (row,) = await scene.rows("SELECT id FROM division WHERE code = $1", XIEDU)
    await while_held(scene, lambda tx: division_store.lock_villages(tx, [row["id"]]), work(scene))


async def test_other_villages_need_not_wait(scene: Scene) -> None:
    (row,) = await scene.rows("SELECT id FROM division WHERE code = $1", XIEDU)
    async with transaction(scene.pool, scene.service) as tx:
        await division_store.lock_villages(tx, [row["id"]])
        assert (await asyncio.wait_for(scene.count(counted("农家书屋", XINFENG)), 2.0)).added == 1


async def test_who_waits_for_the_first_village_holds_none_behind_it(scene: Scene) -> None:
    rows = await scene.rows("SELECT id FROM division WHERE level = 'village' ORDER BY id LIMIT 40")
    first, *others = [row["id"] for row in rows]

    async def take(villages: list[int]) -> None:
        async with transaction(scene.pool, scene.service) as tx:
            await division_store.lock_villages(tx, villages)

    async with transaction(scene.pool, scene.service) as tx:
        await division_store.lock_villages(tx, [first])
        working = asyncio.ensure_future(take([*reversed(others), first]))
        await eventually(lambda: scene.rows(WAITING), timeout_s=2.0, every_s=0.01, what="the other one waits")
        await asyncio.wait_for(take(others), 2.0)
    await working


async def test_news_of_a_task_that_meets_its_visit_does_not_hang_the_sign_up_again(scene: Scene) -> None:
    (told,) = await scene.ordered()
    await while_held(scene, lambda tx: scene.hear_in(tx, told.visited()), scene.hear(told.reported_done()))
    (order,) = await scene.orders()
    assert (order.state, order.share) == ("removed", told.share)
