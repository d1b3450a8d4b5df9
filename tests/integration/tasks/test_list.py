"""The list: whole versions, read as of any day."""

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from devkit.story.county import rows
from runtime.problems import Forbidden, Invalid
from tasks.diff_list_versions import diff_list_versions
from tasks.export_list import export_list
from tasks.import_list_version import import_list_version
from tasks.list_list_versions import list_list_versions
from tasks.list_rules import TOWNSHIP_LIST, VILLAGE_LIST, ItemUnknown, ListVersionUnknown, NoListInForce
from tasks.publish_list_version import publish_list_version
from tasks.show_list import show_item, show_list
from tests.integration.tasks.conftest import VILLAGE, sample_items, sample_negative

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


async def test_the_versions_of_a_list_are_paged_newest_first(scene: "Scene") -> None:
    for items in (sample_items()[:3], sample_items()[:2]):
        await publish_list_version(
            scene.pool, scene.operator, VILLAGE_LIST, effective_on=scene.today, items=items, negative=[]
        )
    first = await list_list_versions(scene.pool, scene.cadre, VILLAGE_LIST, after=None, limit=2)
    rest = await list_list_versions(scene.pool, scene.cadre, VILLAGE_LIST, after=first[-1].position, limit=2)
    shown = [(view.version, view.items, view.negative) for view in (*first, *rest)]
    assert shown == [(3, 2, 0), (2, 3, 0), (1, 43, 12)]


async def test_two_versions_are_compared(scene: "Scene") -> None:
    items = [item for item in sample_items() if item.code != "RQ03"]
    items[0] = items[0].model_copy(
        update={"hours_estimate": 3, "division": VILLAGE, "latest_working_days": 9, "valid_to": date(2030, 1, 1)}
    )
    await publish_list_version(
        scene.pool, scene.operator, VILLAGE_LIST, effective_on=scene.today, items=items, negative=sample_negative()[1:]
    )
    shown = await show_list(scene.pool, scene.cadre, VILLAGE_LIST, None)
    assert shown.items == sorted(items, key=lambda item: item.code)
    found = await diff_list_versions(scene.pool, scene.cadre, VILLAGE_LIST, 1, 2)
    assert ([item.code for item in found.removed], found.added) == (["RQ03"], [])
    (changed,) = found.changed
    assert (changed.code, [(each.field, each.before, each.after) for each in changed.fields]) == (
        items[0].code,
        [
            ("hours_estimate", 10, 3),
            ("latest_working_days", None, 9),
            ("division", None, VILLAGE),
            ("valid_to", None, "2030-01-01"),
        ],
    )
    assert [entry.code for entry in found.negative_removed] == ["N01"]
    with pytest.raises(ListVersionUnknown):
        await diff_list_versions(scene.pool, scene.cadre, VILLAGE_LIST, 1, 9)


async def test_a_township_has_a_list_of_its_own_by_the_same_model(scene: "Scene") -> None:
    items = [
        sample_items()[0].model_copy(update={name: row[name] for name in ("code", "category", "title_zh", "title_en")})
        for row in rows("township_duties")
    ]
    await publish_list_version(
        scene.pool, scene.operator, TOWNSHIP_LIST, effective_on=scene.today, items=items, negative=[]
    )
    shown = await show_list(scene.pool, scene.town, TOWNSHIP_LIST, None)
    assert Counter(item.category for item in shown.items) == {"basic": 4, "cooperate": 4, "taken_back": 4}
    assert (await show_list(scene.pool, scene.town, VILLAGE_LIST, None)).version == 1
    with pytest.raises(Invalid):
        await publish_list_version(
            scene.pool, scene.operator, TOWNSHIP_LIST, effective_on=scene.today, items=sample_items(), negative=[]
        )


async def test_an_exported_list_is_imported_as_the_next_version_without_a_difference(scene: "Scene") -> None:
    exported = await export_list(scene.pool, scene.cadre, VILLAGE_LIST, None)
    with pytest.raises(Forbidden):
        await import_list_version(scene.pool, scene.town, VILLAGE_LIST, scene.today, exported)
    event = await import_list_version(scene.pool, scene.operator, VILLAGE_LIST, scene.today, exported)
    assert event.version == 2
    found = await diff_list_versions(scene.pool, scene.cadre, VILLAGE_LIST, 1, 2)
    assert (found.added, found.removed, found.changed, found.negative_changed) == ([], [], [], [])
    assert await export_list(scene.pool, scene.cadre, VILLAGE_LIST, None) == exported
