"""A finished past makes sense row by row."""

from datetime import date

from devkit.story.county import jize
from tasks.history_rules import FinishedShare, faults

TODAY = date(2026, 3, 2)
ROWS = [FinishedShare.model_validate(row.model_dump()) for row in jize().history]


def test_the_sample_history_fits() -> None:
    assert len(ROWS) == 1400
    assert list(faults(ROWS, today=TODAY)) == []


def test_what_does_not_fit_is_named_by_place_and_reason() -> None:
    rows = [
        ROWS[0],
        ROWS[1].model_copy(update={"findings": 1, "passed_first_recheck": 2}),
        ROWS[2].model_copy(update={"claimed_on": date(2026, 3, 3)}),
        ROWS[0],
    ]
    assert [(fault["pointer"], fault["code"]) for fault in faults(rows, today=TODAY)] == [
        ("/rows/0/task_code", "double"),
        ("/rows/1/passed_first_recheck", "too_many"),
        ("/rows/2/claimed_on", "future"),
        ("/rows/3/task_code", "double"),
    ]
