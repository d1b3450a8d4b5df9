"""The list: whole versions, read as of any day."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from runtime.problems import Forbidden
from tasks.list_rules import VILLAGE_LIST, ItemUnknown, NoListInForce
from tasks.publish_list_version import publish_list_version
from tasks.show_list import show_item, show_list
from tests.integration.tasks.conftest import sample_items, sample_negative

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene


async def test_a_version_is_read_as_it_was_published_and_everybody_is_told(scene: "Scene") -> None:
    shown = await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)
    assert (shown.version, shown.effective_on) == (1, date(2021, 1, 1))
    assert shown.items == sorted(sample_items(), key=lambda item: item.code)
    assert shown.negative == sample_negative()
    (event,) = await scene.told("list.version-took-effect.v1")
    assert (event["version"], len(event["items"])) == (1, 43 + 12)


async def test_any_past_version_is_read_as_of_a_day(scene: "Scene") -> None:
    items = [item for item in sample_items() if item.code != "RQ03"]
    await publish_list_version(
        scene.pool, scene.operator, VILLAGE_LIST, effective_on=scene.today, items=items, negative=[]
    )
    assert (await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)).version == 2
    before = await show_item(scene.pool, scene.cadre, VILLAGE_LIST, "RQ03", scene.today - timedelta(days=1))
    assert before.list_version == 1
    with pytest.raises(ItemUnknown):
        await show_item(scene.pool, scene.cadre, VILLAGE_LIST, "RQ03", None)
    with pytest.raises(NoListInForce):
        await show_list(scene.pool, scene.cadre, VILLAGE_LIST, date(2020, 12, 31))


async def test_only_an_operator_publishes_a_list(scene: "Scene") -> None:
    with pytest.raises(Forbidden):
        await publish_list_version(
            scene.pool, scene.town, VILLAGE_LIST, effective_on=scene.today, items=sample_items(), negative=[]
        )
