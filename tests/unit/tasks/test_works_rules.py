"""What works took, as it is shown: rounded honestly, and nothing made up."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.works_rules import labour_per_household


@pytest.mark.parametrize(
    ("labour_days", "households", "shown"),
    [(184, 92, "2.0"), (10, 3, "3.3"), (20, 3, "6.7"), (5, 4, "1.3"), (1, 8, "0.1"), (0, 40, "0.0")],
)
def test_labour_for_each_household_is_shown_to_a_tenth(labour_days: int, households: int, shown: str) -> None:
    assert str(labour_per_household(labour_days, households)) == shown


@pytest.mark.parametrize(("labour_days", "households"), [(None, 3), (5, None), (5, 0), (0, 0), (None, None)])
def test_what_was_not_told_is_not_made_up(labour_days: int | None, households: int | None) -> None:
    assert labour_per_household(labour_days, households) is None


@given(st.integers(0, 1_000_000), st.integers(1, 100_000))
def test_it_is_never_further_off_than_half_a_tenth(labour_days: int, households: int) -> None:
    shown = labour_per_household(labour_days, households)
    assert shown is not None
    assert abs(shown * households - labour_days) <= Decimal("0.05") * households
