"""Budgets: whom an ask takes beyond its month, and that it says why."""

from datetime import date

import pytest

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import AskKind, PublishedShare, TaskPublished
from runtime.ids import new_id
from tasks.budget_rules import BeyondBudget, BudgetInThePast, Month, beyond, change, month_of, told, with_ask

TOWN = DivisionCode("130431105000")
FULL, FREE, UNBOUND = (DivisionCode(f"13043110520{last}") for last in (5, 6, 7))
MONTHS = [Month(FULL, 95, 100), Month(FREE, 40, 100), Month(UNBOUND, 900, None)]


def published() -> TaskPublished:
    return TaskPublished(
        task=TaskId(new_id()),
        origin=Origin(service="tasks", kind="work_meeting", id=new_id()),
        item="RA03",
        list_version=1,
        department="MZJ",
        kind=AskKind.TASK,
        title_zh="独居老人入户巡访",
        title_en="Visit elderly people living alone",
        division=TOWN,
        inspect_on_completion=False,
        published_on=date(2026, 3, 5),
        shares=(PublishedShare(share=ShareId(new_id()), village=FULL),),
    )


def test_without_a_reason_an_ask_beyond_the_budget_is_refused_and_says_by_how_much() -> None:
    with pytest.raises(BeyondBudget) as refused:
        beyond(with_ask(MONTHS, 6), None)
    assert refused.value.status == 409
    assert refused.value.details == {"villages": [{"village": FULL, "hours": 95, "adds": 6, "budget": 100, "over": 1}]}


def test_with_a_reason_it_is_told_how_many_villages_it_takes_beyond() -> None:
    budgeted = with_ask(MONTHS, 6)
    over = beyond(budgeted, "防汛")
    assert over == {FULL}
    assert told(published(), budgeted, over).villages_beyond_budget == 1


def test_up_to_the_last_hour_an_ask_is_within_the_budget() -> None:
    budgeted = with_ask(MONTHS, 5)
    assert beyond(budgeted, None) == frozenset()
    assert told(published(), budgeted, frozenset()).villages_beyond_budget == 0


def test_where_there_is_no_budget_nothing_is_beyond_it_and_nothing_is_told() -> None:
    budgeted = with_ask(MONTHS[2:], 500)
    assert beyond(budgeted, None) == frozenset()
    assert told(published(), budgeted, frozenset()).villages_beyond_budget is None
    assert told(published(), [], frozenset()).villages_beyond_budget is None


@pytest.mark.parametrize("hours", [0, None])
def test_an_ask_that_adds_no_hours_takes_nobody_beyond_even_a_full_month(hours: int | None) -> None:
    assert beyond(with_ask([Month(FULL, 120, 100)], hours), None) == frozenset()


def test_a_budget_begins_with_a_month_and_not_in_the_past() -> None:
    today = date(2026, 3, 31)
    assert change(TOWN, date(2026, 3, 5), 100, today=today).from_month == date(2026, 3, 1)
    assert change(TOWN, date(2026, 12, 31), None, today=today).from_month == date(2026, 12, 1)
    with pytest.raises(BudgetInThePast):
        change(TOWN, date(2026, 2, 28), 100, today=today)


def test_a_month_is_named_by_its_first_day() -> None:
    assert month_of(date(2024, 2, 29)) == date(2024, 2, 1)
