"""A new version of the list takes effect as a whole, or says which rows are unfit."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from qingdan.access_events import ItemCategory
from qingdan.tasks_events import AskKind
from runtime.problems import Invalid
from tasks.list_rules import ListNotLater, ListVersion, NotYetInEffect, take_effect, unfit_rows

TODAY = date(2026, 3, 2)


def test_the_event_carries_the_whole_list_with_what_may_never_be_asked(sample_list: ListVersion) -> None:
    event = take_effect(sample_list, None, today=TODAY)
    count = {category: sum(item.category is category for item in event.items) for category in ItemCategory}
    assert [count[c] for c in (ItemCategory.STATUTORY, ItemCategory.ASSIST, ItemCategory.QUALIFIED)] == [14, 20, 9]
    assert count[ItemCategory.NEGATIVE] == 12
    assert len(event.model_dump_json().encode()) < 64 * 1024


def test_every_unfit_row_is_named(sample_list: ListVersion) -> None:
    letter = sample_list.items[0].model_copy(update={"kinds": (AskKind.LETTER,)})
    double = sample_list.negative[0].model_copy(update={"code": sample_list.items[1].code})
    proposed = replace(sample_list, items=(letter, *sample_list.items[1:]), negative=(double,))
    with pytest.raises(Invalid) as refused:
        take_effect(proposed, None, today=TODAY)
    errors = refused.value.details["errors"]
    assert isinstance(errors, list)
    assert [(error["pointer"], error["code"]) for error in errors] == [
        ("/items/1/code", "double"),
        ("/negative/0/code", "double"),
        ("/items/0/kinds", "letter"),
    ]


def test_a_version_neither_comes_before_its_predecessor_nor_is_announced_as_in_effect(sample_list: ListVersion) -> None:
    effective_on = sample_list.effective_on
    assert take_effect(sample_list, effective_on, today=TODAY).effective_on == effective_on
    with pytest.raises(ListNotLater):
        take_effect(sample_list, effective_on + timedelta(days=1), today=TODAY)
    with pytest.raises(NotYetInEffect):
        take_effect(replace(sample_list, effective_on=TODAY + timedelta(days=1)), None, today=TODAY)


def test_an_item_of_another_list_or_with_its_term_the_wrong_way_round_is_named(sample_list: ListVersion) -> None:
    first, second = sample_list.items[:2]
    misplaced = first.model_copy(update={"category": "taken_back"})
    turned = second.model_copy(update={"valid_from": TODAY, "valid_to": TODAY - timedelta(days=1)})
    errors = unfit_rows(replace(sample_list, items=(misplaced, turned)))
    assert [(error["pointer"], error["code"]) for error in errors] == [
        ("/items/0/category", "category"),
        ("/items/1/valid_to", "term"),
    ]


def test_the_event_tells_all_that_the_gate_must_know_of_an_item(sample_list: ListVersion) -> None:
    item = sample_list.items[0].model_copy(update={"latest_working_days": 9, "valid_from": TODAY, "article": ""})
    (told,) = replace(sample_list, items=(item,), negative=()).published().items
    assert (told.law, told.article, told.owner_department) == (item.law, None, item.owner_department)
    assert (told.asks_per_village_year_max, told.hours_estimate) == (12, 10)
    assert (told.latest_working_days, told.valid_from, told.valid_to, told.division) == (9, TODAY, None, None)
