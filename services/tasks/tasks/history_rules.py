"""What a finished past must be to be taken over: rows that make sense by themselves and beside each other."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ItemCode, Reference

ROWS_MAX: Final = 2_000

_Count = Annotated[int, Field(ge=0, le=1_000)]


class FinishedShare(BaseModel):
    """A share that was claimed and finished before this system ran."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    village_code: DivisionCode
    task_code: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
    responsibility_code: ItemCode
    claimed_on: date
    limit_working_days: Annotated[int, Field(ge=1, le=1_000)]
    used_working_days: Annotated[int, Field(ge=0, le=10_000)]
    findings: _Count
    passed_first_recheck: _Count
    difficulties_raised: _Count
    origin: Annotated[Reference, Field(description="where the row comes from")]


Key = tuple[DivisionCode, date, str]


def key(row: FinishedShare) -> Key:
    """What tells a row from all others of its batch."""
    return row.village_code, row.claimed_on, row.task_code


def faults(rows: Sequence[FinishedShare], *, today: date) -> Iterable[dict[str, str]]:
    """What is wrong with the rows by themselves, each with a pointer to its place."""
    seen = Counter(map(key, rows))
    for at, row in enumerate(rows):
        if row.passed_first_recheck > row.findings:
            yield fault(at, "passed_first_recheck", "too_many", "More passed than were found.", "通过数大于问题数。")
        if row.claimed_on > today:
            yield fault(at, "claimed_on", "future", "A finished past lies before today.", "历史数据不得晚于今天。")
        if seen[key(row)] > 1:
            yield fault(at, "task_code", "double", "Another row is the same claim.", "另一行是同一次认领。")


def fault(at: int, field: str, code: str, message: str, message_zh: str) -> dict[str, str]:
    """One entry of a problem's `errors`; `at` is the row's position, from 0."""
    return {"in": "body", "pointer": f"/rows/{at}/{field}", "code": code, "message": message, "message_zh": message_zh}
