"""Budgets: within them or beyond, and what is said of it."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingdan.money import FEN_MAX
from runtime.problems import Invalid
from subsidy.budget_rules import Budget, Budgeted, BudgetExceeded, beyond, require_in_year, require_within


def budgeted(budget_fen: int, wanted_fen: int, *, programme: str = "B08", **said: int) -> Budgeted:
    """A programme's budget, of which nothing is taken unless it is said."""
    taken: dict[str, Any] = {"obliged_fen": 0, "frozen_fen": 0} | said
    return Budgeted(programme, "MZJ", budget_fen, "county", wanted_fen=wanted_fen, **taken)


@pytest.mark.parametrize(
    ("it", "goes_beyond"),
    [
        (budgeted(100, 100), False),
        (budgeted(100, 101), True),
        (budgeted(100, 60, obliged_fen=40), False),
        (budgeted(100, 61, obliged_fen=40), True),
        (budgeted(100, 61, frozen_fen=40), True),
        (budgeted(100, 30, obliged_fen=40, frozen_fen=30), False),
        (budgeted(100, 31, obliged_fen=40, frozen_fen=30), True),
        (budgeted(0, 1), True),
        (budgeted(100, 0, obliged_fen=200), False),
    ],
)
def test_a_run_may_take_what_is_left_and_no_fen_more(it: Budgeted, goes_beyond: bool) -> None:
    assert beyond([it]) == ([it] if goes_beyond else [])


def test_each_programme_beyond_its_budget_is_named_with_its_amounts() -> None:
    within, exceeded = budgeted(100, 1, programme="B01"), budgeted(100, 80, obliged_fen=20, frozen_fen=5)
    with pytest.raises(BudgetExceeded) as refused:
        require_within([within, exceeded])
    assert refused.value.details["programmes"] == [
        {"programme": "B08", "budget_fen": 100, "taken_fen": 25, "wanted_fen": 80, "beyond_fen": 5}
    ]
    assert refused.value.status == 409
    require_within([within])
    require_within([])


_fen = st.integers(0, FEN_MAX)


@given(budget_fen=_fen, wanted_fen=_fen, obliged_fen=_fen, frozen_fen=_fen)
def test_what_is_within_never_spends_more_than_the_budget(
    budget_fen: int, wanted_fen: int, obliged_fen: int, frozen_fen: int
) -> None:
    it = budgeted(budget_fen, wanted_fen, obliged_fen=obliged_fen, frozen_fen=frozen_fen)
    if not beyond([it]):
        assert wanted_fen == 0 or wanted_fen + obliged_fen + frozen_fen <= budget_fen


def test_a_budget_counts_from_a_day_of_its_own_year_on() -> None:
    budget = Budget.model_validate({"amount_fen": 1, "funding_source": "county", "effective_on": date(2026, 12, 31)})
    require_in_year(budget, 2026)
    with pytest.raises(Invalid) as refused:
        require_in_year(budget, 2027)
    assert refused.value.details["errors"][0]["pointer"] == "/effective_on"  # type: ignore[index]
