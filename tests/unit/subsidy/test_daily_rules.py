"""A bank's statements follow on each other; a difference is explained by one person and confirmed by another."""

from datetime import date
from typing import Any, Final

import pytest

from runtime.problems import Refusal
from subsidy import daily_rules
from subsidy.camt053_rules import read_statement
from subsidy.daily_rules import (
    Before,
    Difference,
    DifferenceNotThere,
    OtherAccount,
    SecondLookNeeded,
    StatementLeavesGap,
    StatementOfTomorrow,
    StatementOverlaps,
    StatementTakenAlready,
)
from tests.unit.subsidy.statements import ACCOUNT, of_movements

STATEMENT: Final = read_statement(of_movements([(-100, "")], opening=1_000))
BEFORE: Final = Before("S-2026-07-17", date(2026, 7, 17), 1_000)
TODAY: Final = date(2026, 7, 20)


@pytest.mark.parametrize("before", [None, BEFORE])
def test_a_statement_follows_on_the_one_before_whatever_days_had_none(before: Before | None) -> None:
    daily_rules.take(STATEMENT, before, debtor_account=ACCOUNT, today=TODAY)
    daily_rules.take(STATEMENT, before, debtor_account=None, today=TODAY)
    assert STATEMENT.closing_fen == 900


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"before": Before("S-2026-07-17", date(2026, 7, 17), 999)}, StatementLeavesGap),
        ({"before": Before("X", date(2026, 7, 20), 1_000)}, StatementTakenAlready),
        ({"before": Before("S-2026-07-20", date(2026, 7, 17), 1_000)}, StatementTakenAlready),
        ({"before": Before("X", date(2026, 7, 21), 1_000)}, StatementOverlaps),
        ({"today": date(2026, 7, 19)}, StatementOfTomorrow),
        ({"debtor_account": "6299999999999999"}, OtherAccount),
    ],
)
def test_what_does_not_follow_is_refused(changed: dict[str, Any], refusal: type[Refusal]) -> None:
    given: dict[str, Any] = {"before": BEFORE, "debtor_account": ACCOUNT, "today": TODAY} | changed
    with pytest.raises(refusal):
        daily_rules.take(STATEMENT, given.pop("before"), **given)


@pytest.mark.parametrize("state", ["open", "explained", "confirmed", "gone"])
def test_a_difference_is_explained_until_it_is_confirmed(state: Any) -> None:
    difference = Difference(1, state, "anna" if state == "explained" else None, 1)
    explained, confirmed = True, True
    try:
        daily_rules.explain(difference)
    except DifferenceNotThere:
        explained = False
    try:
        daily_rules.confirm(difference, "bert")
    except DifferenceNotThere:
        confirmed = False
    assert (explained, confirmed) == (state in ("open", "explained"), state == "explained")


def test_who_explained_does_not_confirm() -> None:
    with pytest.raises(SecondLookNeeded):
        daily_rules.confirm(Difference(1, "explained", "anna", 2), "anna")
