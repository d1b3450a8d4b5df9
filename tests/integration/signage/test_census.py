"""A census: every sign once, judged by the rules in force, however often it is told."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from qingdan.divisions import DivisionCode
from runtime.actor import Actor, Role
from runtime.problems import Forbidden
from signage.show_statistics import show_statistics
from signage.sign_rules import VillagesUnknown
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


async def test_the_sample_census_finds_what_may_stay_and_what_comes_down(scene: "Scene") -> None:
    assert (await scene.count(*sample_census())).added == 342
    verdicts = Counter(sign.verdict for sign in await scene.signs())
    assert verdicts == {"permitted": 120, "removable": 222}
    at_xiedu = await show_statistics(scene.pool, scene.cadre)
    assert (at_xiedu.signs_before, at_xiedu.signs_hanging, at_xiedu.orders) == (13, 13, 0)


async def test_a_census_told_again_finds_the_same_signs(scene: "Scene") -> None:
    await scene.count(*sample_census())
    before = await scene.signs()
    again = await scene.count(*sample_census())
    assert (again.added, again.already_there) == (0, 342)
    assert await scene.signs() == before


async def test_two_people_who_count_at_once_find_each_sign_once(scene: "Scene") -> None:
    answers = await asyncio.gather(*(scene.count(*sample_census()) for _ in range(4)))
    assert sorted(answer.added for answer in answers) == [0, 0, 0, 342]
    assert len(await scene.signs(verdict="permitted")) == 120


async def test_signs_alike_in_everything_are_as_many_as_there_are(scene: "Scene") -> None:
    twins = [counted("村民委员会")] * 2
    assert (await scene.count(*twins)).added == 2
    assert (await scene.count(*twins)).added == 0
    assert sorted(str(sign.reason) for sign in await scene.signs()) == ["None", "second_copy"]


async def test_a_later_census_takes_no_place_from_what_was_permitted(scene: "Scene") -> None:
    await scene.count(counted("村民委员会", hung_since=2015))
    await scene.count(counted("谢都村村民委员会", hung_since=2003))
    verdicts = {sign.wording: sign.verdict for sign in await scene.signs()}
    assert verdicts == {"村民委员会": "permitted", "谢都村村民委员会": "removable"}


@pytest.mark.parametrize("place", [TOWN, COUNTY, DivisionCode("520521211299"), OTHER_COUNTY])
async def test_signs_hang_at_villages_in_ones_scope_or_nowhere(scene: "Scene", place: DivisionCode) -> None:
    with pytest.raises(VillagesUnknown) as refused:
        await scene.count(counted("消防安全办公室"), counted("消防安全办公室", place))
    assert refused.value.details == {"villages": [str(place)]}
    assert await scene.signs() == []


async def test_a_townships_staff_counts_its_own_villages_only(scene: "Scene") -> None:
    town = replace(scene, staff=person(Role.TOWN_STAFF, TOWN))
    assert (await town.count(counted("消防安全办公室"))).added == 1
    with pytest.raises(VillagesUnknown):
        await town.count(counted("消防安全办公室", XINFENG))


@pytest.mark.parametrize(
    "actor",
    [
        person(Role.VILLAGE_CADRE, XIEDU),
        person(Role.SIGN_APPROVER, COUNTY),
        person(Role.DEPARTMENT_STAFF, COUNTY, "XFD"),
        person(Role.TOWN_STAFF, COUNTY, "XFD"),  # sees too little to judge
    ],
    ids=lambda actor: f"{min(actor.roles)}-{actor.department}",
)
async def test_others_do_not_count(scene: "Scene", actor: Actor) -> None:
    with pytest.raises(Forbidden):
        await replace(scene, staff=actor).count(counted("消防安全办公室"))


async def test_a_census_is_audited_by_its_numbers(scene: "Scene") -> None:
    await scene.count(counted("消防安全办公室"), counted("农家书屋", XINFENG))
    (audited,) = await scene.rows("SELECT actor, after::json AS after FROM audit_entry WHERE action = 'signs.counted'")
    assert audited["actor"] == scene.staff.subject
    assert '"added": 2' in str(audited["after"])
