"""The ledger as it is told: months, totals, items that nobody uses, and the file."""

from datetime import date

import pytest

from qingdan.burden_events import BurdenLine
from tasks.burden_rules import (
    MonthsOutOfOrder,
    compared,
    last_day_of,
    months_before,
    never_used,
    span,
    total,
    write_lines,
)
from tasks.list_rules import ListVersion

TODAY = date(2026, 3, 5)


def line(department: str = "MZJ", **counts: int) -> BurdenLine:
    nothing = dict.fromkeys(
        ("asks", "shares", "hours", "beyond_budget", "refused_at_gate", "refused_by_villages", "merged"), 0
    )
    return BurdenLine(department=department, category="assist", **nothing | counts)


@pytest.mark.parametrize(
    ("month", "count", "before"),
    [
        (date(2026, 3, 1), 0, date(2026, 3, 1)),
        (date(2026, 3, 1), 3, date(2025, 12, 1)),
        (date(2026, 3, 31), 12, date(2025, 3, 1)),
        (date(2026, 12, 1), -1, date(2027, 1, 1)),
    ],
)
def test_months_are_counted_over_the_turn_of_the_year(month: date, count: int, before: date) -> None:
    assert months_before(month, count) == before


def test_a_month_ends_on_its_last_day() -> None:
    assert [last_day_of(date(2024, month, 1)).day for month in (2, 4, 12)] == [29, 30, 31]


def test_a_span_is_this_month_unless_others_are_named_by_any_of_their_days() -> None:
    assert span(None, None, today=TODAY) == (date(2026, 3, 1), date(2026, 3, 1))
    assert span(date(2025, 11, 30), None, today=TODAY) == (date(2025, 11, 1), date(2026, 3, 1))
    assert span(None, date(2025, 11, 30), today=TODAY) == (date(2025, 11, 1), date(2025, 11, 1))
    assert span(date(2023, 4, 1), TODAY, today=TODAY)[0] == date(2023, 4, 1)


@pytest.mark.parametrize(("first", "last"), [(TODAY, date(2026, 2, 1)), (date(2023, 3, 31), TODAY)])
def test_a_span_goes_forward_and_is_no_longer_than_three_years(first: date, last: date) -> None:
    with pytest.raises(MonthsOutOfOrder):
        span(first, last, today=TODAY)


def test_a_month_is_compared_with_the_one_before_and_that_of_the_year_before() -> None:
    assert compared(date(2026, 1, 1)) == (date(2026, 1, 1), date(2025, 12, 1), date(2025, 1, 1))


def test_totals_are_the_sums_of_the_lines() -> None:
    sums = total([line(asks=1, hours=6), line("JTJ", asks=2, merged=1)])
    assert (sums["asks"], sums["hours"], sums["merged"], sums["refused_at_gate"]) == (3, 6, 1, 0)
    assert set(total([]).values()) == {0}


def test_what_may_never_be_asked_is_no_item_that_nobody_uses(sample_list: ListVersion) -> None:
    items = sample_list.published().items
    unused = never_used(items, {"RA03"}, on=TODAY, asker=None)
    assert len(unused) == 42
    assert "RA03" not in unused
    assert not [code for code in unused if code.startswith("N")]


def test_an_item_out_of_its_term_is_not_in_force(sample_list: ListVersion) -> None:
    (item,) = [each for each in sample_list.published().items if each.code == "RQ03"]
    over, begun = (item.model_copy(update=term) for term in ({"valid_to": date(2026, 3, 4)}, {"valid_from": TODAY}))
    assert never_used([over], (), on=TODAY, asker=None) == []
    assert never_used([begun], (), on=TODAY, asker=None) == ["RQ03"]


def test_a_department_is_told_of_items_that_it_may_ask_for(sample_list: ListVersion) -> None:
    items = sample_list.published().items
    own = never_used(items, (), on=TODAY, asker="JTJ")
    assert "RQ03" in own
    assert "RA03" not in own


def test_the_file_has_a_header_and_a_row_for_each_line() -> None:
    rows = write_lines([line("JTJ", asks=1, shares=21, hours=126)]).splitlines()
    assert rows == [
        "department,category,asks,shares,hours,beyond_budget,refused_at_gate,refused_by_villages,merged",
        "JTJ,assist,1,21,126,0,0,0,0",
    ]
