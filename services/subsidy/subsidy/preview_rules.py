"""The preview of a run: for which month, as of which day, with which programmes, and what is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.subsidy_events import Period, ProgrammeTotals, RunPreviewed
from runtime.problems import Conflict, Invalid, Refusal
from subsidy.programme_rules import Compiled
from subsidy.run_rules import Run


class NotACounty(Refusal):
    """Runs are made for a county. 发放批次以县为单位。"""

    status = 422


class RunIsFrozen(Conflict):
    """This run is frozen: nothing in it changes any more. 该批次已冻结，内容不再变化。

    Take it back while nobody has approved it (POST /v1/runs/{run}/return); adjust the month after that.
    尚未审批的可先退回或撤回，已审批的请通过调整该月办理。
    """


@dataclass(frozen=True, slots=True)
class Month:
    """The month that a run pays for. Facts count as of its first day."""

    period: Period
    before: Period
    reference_on: date


def month_of(period: Period) -> Month:
    """Raises Invalid for a month that no calendar has."""
    year, number = int(period[:4]), int(period[5:])
    if not (1 <= number <= 12 and 2000 <= year <= 2999):
        raise Invalid(
            errors=[
                {
                    "in": "body",
                    "pointer": "/period",
                    "code": "month",
                    "message": "There is no such month: write 2026-07.",
                    "message_zh": "没有这个月份：请写作 2026-07。",
                }
            ]
        )
    before = f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"
    return Month(period, before, date(year, number, 1))


def require_county(division: DivisionCode) -> None:
    """Raises NotACounty for any other level of the tree."""
    if division.level != DivisionLevel.COUNTY:
        raise NotACounty(level=division.level)


def due(programmes: Sequence[Compiled], month: Month) -> list[Compiled]:
    """Those paid in that month: by the calendar, or because something may have occurred."""
    number = month.reference_on.month
    return [each for each in programmes if not each.programme.due_months or number in each.programme.due_months]


def require_open(run: Run) -> None:
    """Raises RunIsFrozen unless the run is still a preview."""
    if run.state != "previewed":
        raise RunIsFrozen(run=str(run.id), state=run.state)


def previewed(
    run: Run, totals: ProgrammeTotals, *, programme_version: int, excluded: int, undetermined: int, today: date
) -> RunPreviewed:
    """The event."""
    return RunPreviewed(
        run=run.id,
        division=run.division,
        period=run.period,
        programmes=totals,
        previewed_on=today,
        programme_version=programme_version,
        excluded=excluded,
        undetermined=undetermined,
    )
