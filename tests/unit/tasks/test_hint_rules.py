"""How long such tasks took: exact quantiles of a histogram, and nothing said where few could be known."""

from datetime import date
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import hint_rules


@given(used=st.lists(st.integers(0, 60), min_size=1, max_size=60), percent=st.integers(1, 100))
def test_a_quantile_is_the_one_of_the_list_that_the_histogram_stands_for(used: list[int], percent: int) -> None:
    histogram = [(days, used.count(days)) for days in sorted(set(used))]
    assert hint_rules.quantile(histogram, percent) == sorted(used)[ceil(len(used) * percent / 100) - 1]


def test_four_say_nothing_and_five_say_how_long_it_took() -> None:
    assert hint_rules.took("item", [(3, 4)]) is None
    took = hint_rules.took("item", [(3, 2), (4, 1), (9, 1), (30, 1)])
    assert took is not None
    assert (took.like, took.shares, took.median, took.most) == ("item", 5, 4, 9)


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        hint_rules.quantile([], 50)


def test_three_years_back_begin_with_their_month() -> None:
    assert hint_rules.since(date(2026, 2, 28)) == date(2023, 2, 1)
