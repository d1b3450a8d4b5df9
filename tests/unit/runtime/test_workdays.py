"""Limits in working days: the State Council's calendar where it is announced, weekends and fixed holidays beyond."""

from datetime import date, timedelta

import chinese_calendar  # type: ignore[import-untyped] # it ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.workdays import ANNOUNCED_FROM, ANNOUNCED_TO, DAYS_MAX, Calendar, DueDate

CALENDAR = Calendar()
DAYS = st.dates(date(2015, 1, 1), date(2040, 1, 1))
LIMITS = st.integers(1, 60)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        # 2024: 1-7 October free, Sunday 29 September and Saturday 12 October worked.
        (date(2024, 9, 27), 1, date(2024, 9, 29)),
        (date(2024, 9, 30), 1, date(2024, 10, 8)),
        (date(2024, 9, 30), 5, date(2024, 10, 12)),
        # 2025: National Day with Mid-Autumn, 1-8 October free, Sunday 28 September and Saturday 11 October worked.
        (date(2025, 9, 26), 1, date(2025, 9, 28)),
        (date(2025, 9, 30), 1, date(2025, 10, 9)),
        (date(2025, 9, 30), 3, date(2025, 10, 11)),
        # 2026: 1-7 October free, Sunday 20 September and Saturday 10 October worked.
        (date(2026, 9, 18), 1, date(2026, 9, 20)),
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        # Given on a day off: the first working day is day 1.
        (date(2026, 10, 3), 1, date(2026, 10, 8)),
    ],
)
def test_limits_around_national_day(start: date, days: int, due: date) -> None:
    assert CALENDAR.add_working_days(start, days) == DueDate(due, provisional=False)


def test_a_due_date_beyond_the_announced_years_is_provisional() -> None:
    last = CALENDAR.add_working_days(ANNOUNCED_TO - timedelta(days=10), 2)
    beyond = CALENDAR.add_working_days(ANNOUNCED_TO, 1)
    assert not last.provisional
    assert beyond.provisional


@pytest.mark.parametrize("day", [date(2031, 1, 1), date(2031, 5, 1), date(2031, 10, 1), date(2031, 10, 3)])
def test_fixed_holidays_are_free_even_where_nothing_is_announced(day: date) -> None:
    assert day.weekday() < 5
    assert not CALENDAR.is_working_day(day)


def test_an_override_wins_and_makes_a_day_certain() -> None:
    corrected = Calendar({date(2031, 1, 1): True, date(2026, 10, 8): False})
    assert corrected.add_working_days(date(2026, 9, 30), 1).on == date(2026, 10, 9)
    assert corrected.add_working_days(date(2030, 12, 31), 1) == DueDate(date(2031, 1, 1), provisional=False)


@pytest.mark.parametrize("days", [0, -1, DAYS_MAX + 1])
def test_a_limit_has_bounds(days: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        CALENDAR.add_working_days(date(2026, 1, 5), days)


def test_the_end_of_the_calendar_is_refused_and_not_an_overflow() -> None:
    with pytest.raises(ValueError, match="earlier"):
        CALENDAR.add_working_days(date.max, 1)
    with pytest.raises(ValueError, match="between"):
        CALENDAR.working_days_between(date.min, date.max)


@given(st.dates(ANNOUNCED_FROM, ANNOUNCED_TO))
def test_announced_days_are_what_the_calendar_package_says(day: date) -> None:
    assert CALENDAR.is_working_day(day) == chinese_calendar.is_workday(day)


@given(DAYS, LIMITS)
def test_a_due_date_is_a_later_working_day_and_between_is_the_inverse(start: date, days: int) -> None:
    due = CALENDAR.add_working_days(start, days).on
    assert due > start
    assert CALENDAR.is_working_day(due)
    assert CALENDAR.working_days_between(start, due) == days
    assert CALENDAR.working_days_between(due, start) == -days


@given(DAYS, LIMITS, LIMITS)
def test_limits_add_up(start: date, first: int, second: int) -> None:
    between = CALENDAR.add_working_days(start, first).on
    assert CALENDAR.add_working_days(between, second).on == CALENDAR.add_working_days(start, first + second).on
