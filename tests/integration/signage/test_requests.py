"""A department asks to hang a sign: permitted in its own free slot, else refused, told and counted."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from qingdan.divisions import DivisionCode
from qingdan.signage_events import Position, SignPermitted
from runtime.actor import Actor, Role
from runtime.problems import Forbidden
from signage.list_refused_requests import list_refused_requests
from signage.request_sign import request_sign
from signage.show_statistics import show_statistics
from signage.sign_rules import SignNotAllowed, VillagesUnknown
from tests.integration.service_scene import person
from tests.integration.signage.conftest import COUNTY, OTHER_COUNTY, TOWN, XIEDU, XINFENG, counted

if TYPE_CHECKING:
    from tests.integration.signage.conftest import Scene

SERVICES, FIRE = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("ZWJ", "XFD"))


async def ask(
    scene: "Scene",
    actor: Actor = SERVICES,
    wording: str = "便民服务站",
    village: DivisionCode = XIEDU,
    position: Position = "outside_horizontal",
) -> SignPermitted:
    return await request_sign(scene.pool, actor, village, wording, position)


async def test_what_has_a_free_slot_may_hang(scene: "Scene") -> None:
    event = await ask(scene)
    (told,) = await scene.told()
    assert told == event.model_dump(mode="json")
    (sign,) = await scene.signs()
    assert (sign.sign, sign.code, sign.verdict, sign.state) == (event.sign, "SG03", "permitted", "hanging")
    assert sign.hung_since == scene.today.year
    figures = await show_statistics(scene.pool, scene.staff)
    assert (figures.signs_before, figures.signs_horizontal, figures.requests_refused) == (0, 1, 0)
    assert await scene.rows("SELECT actor FROM audit_entry WHERE action = 'sign.permitted.v1'") == [
        {"actor": SERVICES.subject}
    ]


async def test_a_no_is_committed_told_and_counted_before_it_is_given(scene: "Scene") -> None:
    with pytest.raises(SignNotAllowed) as refused:
        await ask(scene, FIRE, "谢都村消防安全办公室", position="outside_vertical")
    assert (refused.value.details["reason"], refused.value.details["code"]) == ("not_permitted", "SG17")
    (told,) = await scene.told()
    assert (told["type"], told["reason"], told["sign"]) == (
        "sign.refused.v1",
        "not_permitted",
        refused.value.details["sign"],
    )
    (row,) = await list_refused_requests(scene.pool, scene.staff, limit=5)
    assert (row.wording, row.reason, row.department, row.village) == (
        "谢都村消防安全办公室",
        "not_permitted",
        "XFD",
        XIEDU,
    )
    assert (await show_statistics(scene.pool, scene.staff)).requests_refused == 1
    assert await scene.signs() == []


@pytest.mark.parametrize("hung_by", ["ZWJ", "MZJ"])
async def test_a_taken_slot_is_refused_also_where_the_asker_cannot_see_who_holds_it(
    scene: "Scene", hung_by: str
) -> None:
    await scene.count(counted("便民服务站", department=hung_by, position="outside_horizontal"))
    with pytest.raises(SignNotAllowed) as refused:
        await ask(scene)
    assert refused.value.details["reason"] == "slot_taken"
    assert len(await scene.signs(verdict="permitted")) == 1


async def test_of_many_asks_at_once_one_gets_the_slot(scene: "Scene") -> None:
    answers = await asyncio.gather(*(ask(scene) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(answer, SignPermitted) for answer in answers) == 1
    assert sum(isinstance(answer, SignNotAllowed) for answer in answers) == 5
    assert len(await scene.told("sign.refused.v1")) == 5


async def test_what_was_permitted_is_not_ordered_down(scene: "Scene") -> None:
    await ask(scene)
    await scene.count(counted("消防安全办公室"))
    assert (await scene.order()).ordered == 1
    assert [sign.code for sign in await scene.signs(state="hanging")] == ["SG03"]


@pytest.mark.parametrize("place", [TOWN, OTHER_COUNTY, DivisionCode("520521211299")])
async def test_a_sign_is_asked_for_a_village_in_ones_scope(scene: "Scene", place: DivisionCode) -> None:
    with pytest.raises(VillagesUnknown):
        await ask(scene, village=place)
    assert await scene.told() == []


@pytest.mark.parametrize("role", [Role.VILLAGE_CADRE, Role.TOWN_STAFF, Role.SIGN_APPROVER, Role.OPERATOR])
async def test_departments_ask(scene: "Scene", role: Role) -> None:
    with pytest.raises(Forbidden):
        await ask(scene, person(role, COUNTY))


async def test_a_department_sees_its_own_refused_asks(scene: "Scene") -> None:
    for actor, village in ((FIRE, XIEDU), (SERVICES, XINFENG)):
        with pytest.raises(SignNotAllowed):
            await ask(scene, actor, "消防安全办公室", village)
    seen = await list_refused_requests(scene.pool, FIRE, limit=5)
    assert [(row.department, row.village) for row in seen] == [("XFD", XIEDU)]
    by_name = await list_refused_requests(scene.pool, scene.staff, department="ZWJ", limit=5)
    assert [(row.department, row.village) for row in by_name] == [("ZWJ", XINFENG)]
