"""Signage hears of the responsibility list, and its gate answers who wants a sign which no rule permits."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from qingdan.access_events import ItemCategory, ListItem, ListVersionTookEffect
from qingdan.signage_events import Position
from qingdan.tasks_events import AskKind
from runtime.actor import Actor, Role
from signage.list_refused_requests import list_refused_requests
from signage.request_sign import request_sign
from signage.sign_rules import SignNotAllowed
from tests.integration.service_scene import person
from tests.integration.signage.conftest import COUNTY, XIEDU

if TYPE_CHECKING:
    from tests.integration.signage.conftest import Scene

INVESTMENT, FIRE, SERVICES = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("SWJ", "XFD", "ZWJ"))


def item(code: str, category: ItemCategory, title_zh: str, title_en: str, kind: AskKind = AskKind.TASK) -> ListItem:
    return ListItem(
        code=code,
        category=category,
        title_zh=title_zh,
        title_en=title_en,
        askers=() if category is ItemCategory.NEGATIVE else ("XFD",),
        kinds=(kind,),
        inspect_on_completion=False,
    )


def the_list(version: int, effective_on: date, *more: ListItem) -> ListVersionTookEffect:
    fire, water, streets = (
        item(code, ItemCategory.ASSIST, zh, en)
        for code, zh, en in (
            ("RA07", "消防安全宣传和隐患排查", "Fire safety talks and checks for hazards"),
            ("RA08", "机井巡查", "Patrol the wells"),
            ("RA09", "背街小巷整治", "Renovate back lanes"),
        )
    )
    return ListVersionTookEffect(
        list_code="village", version=version, effective_on=effective_on, items=(fire, water, streets, *more)
    )


NO_TARGETS = item("N02", ItemCategory.NEGATIVE, "招商引资任务指标", "Investment-attraction targets")


async def refusal(
    scene: "Scene", actor: Actor, wording: str, position: Position = "outside_vertical"
) -> SignNotAllowed:
    with pytest.raises(SignNotAllowed) as refused:
        await request_sign(scene.pool, actor, XIEDU, wording, position)
    return refused.value


async def test_a_refusal_is_bound_to_the_version_of_the_list(scene: "Scene") -> None:
    await scene.hear(the_list(3, scene.today))
    said = (await refusal(scene, FIRE, "谢都村消防安全办公室")).details
    assert (said["reason"], said["list_version"]) == ("not_permitted", 3)
    (row,) = await list_refused_requests(scene.pool, scene.staff, limit=5)
    assert row.list_version == 3


async def test_what_may_never_be_asked_of_a_village_is_no_sign_either(scene: "Scene") -> None:
    await scene.hear(the_list(1, scene.today, NO_TARGETS))
    assert (await refusal(scene, INVESTMENT, "招商引资任务办公室")).details["reason"] == "negative_list"
    (told,) = await scene.told("sign.refused.v1")
    assert told["reason"] == "negative_list"


async def test_the_newest_version_in_force_counts_and_what_is_told_again_changes_nothing(scene: "Scene") -> None:
    await scene.hear(the_list(1, scene.today), the_list(2, scene.today, NO_TARGETS))
    await scene.hear(the_list(1, scene.today), the_list(3, scene.today + timedelta(days=1)))
    said = (await refusal(scene, INVESTMENT, "招商引资任务办公室")).details
    assert (said["reason"], said["list_version"]) == ("negative_list", 2)


async def test_before_the_list_is_known_the_rules_on_signs_answer_alone(scene: "Scene") -> None:
    said = (await refusal(scene, FIRE, "谢都村消防安全办公室")).details
    assert (said["reason"], said["list_version"]) == ("not_permitted", None)


async def test_the_list_has_no_say_where_a_rule_permits_the_sign(scene: "Scene") -> None:
    """A township's list is heard as well, and is none that villages are asked by."""
    await scene.hear(
        the_list(1, scene.today, item("N13", ItemCategory.NEGATIVE, "便民服务站", "Service station", AskKind.SIGN)),
        the_list(9, scene.today).model_copy(update={"list_code": "township"}),
    )
    await request_sign(scene.pool, SERVICES, XIEDU, "便民服务站", "outside_horizontal")
    taken = (await refusal(scene, SERVICES, "便民服务站", "outside_horizontal")).details
    assert (taken["reason"], taken["list_version"]) == ("slot_taken", None)
