"""How long what a run was computed from is kept: whole years after the year in which it was closed."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from runtime.problems import problem_document
from subsidy.retention_rules import YEARS, Keeping, closed_before, removed
from subsidy.settings import Settings


@pytest.mark.parametrize(
    ("today", "closed_on", "goes"),
    [
        (date(2057, 1, 1), date(2026, 1, 1), True),
        (date(2057, 1, 1), date(2026, 12, 31), True),
        (date(2057, 1, 1), date(2027, 1, 1), False),
        (date(2056, 12, 31), date(2026, 1, 1), False),
        (date(2056, 12, 31), date(2025, 12, 31), True),
    ],
)
def test_years_count_from_the_day_after_the_year_of_closing(today: date, closed_on: date, goes: bool) -> None:
    assert (closed_on < closed_before(today, YEARS)) is goes


@pytest.mark.parametrize("years", [0, 9, 101, -30])
def test_a_wrong_number_of_years_does_not_start_the_service(years: int) -> None:
    with pytest.raises(ValidationError, match="snapshots_kept_years"):
        Settings.model_validate({"snapshots_kept_years": years})


def test_it_is_said_in_both_languages_when_and_after_how_many_years() -> None:
    gone = Keeping(False, None, date(2057, 1, 1), 30)
    said: dict[str, Any] = problem_document(removed(gone, frozen_hash=b"a" * 32, rows_hash=b"b" * 32))
    assert (said["status"], said["removed_on"], said["kept_years"], said["list_holds"]) == (
        410,
        "2057-01-01",
        30,
        False,
    )
    assert said["title_zh"] == "该批次的计算依据已按保管期限销毁，不能重新计算。"
    assert "removed_on" in said["detail_en"]
    assert "holds" not in said
