"""The burden ledger as it is told: lines, totals, the list's effect, items that nobody uses or that are always late."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Final

from qingdan.access_events import ItemCategory, ListItem
from qingdan.burden_events import BurdenLine, BurdenReported
from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, ItemCode
from runtime.problems import Refusal

MONTHS_MAX: Final = 36
LOOK_BACK_MONTHS: Final = 12
LINES_MAX: Final = 1000  # as the contract has it
ITEMS_MAX: Final = 500

COUNTS: Final = ("asks", "shares", "hours", "beyond_budget", "refused_at_gate", "refused_by_villages", "merged")
_COLUMNS: Final = ("department", "category", *COUNTS)


class MonthsOutOfOrder(Refusal):
    """The last month lies before the first, or they are more than three years apart.
    结束月份早于开始月份，或跨度超过三年。
    """

    status = 422


def months_before(month: date, count: int) -> date:
    """The first day of the month that lies so many months before."""
    months = month.year * 12 + month.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


def span(from_month: date | None, to_month: date | None, *, today: date) -> tuple[date, date]:
    """The first days of the first and the last month; any day may name its month, and none names this month.

    Raises MonthsOutOfOrder.
    """
    last = (to_month or max(from_month or today, today)).replace(day=1)
    first = (from_month or last).replace(day=1)
    if first > last or months_before(last, MONTHS_MAX - 1) > first:
        raise MonthsOutOfOrder(from_month=first.isoformat(), to_month=last.isoformat())
    return first, last


def compared(month: date) -> tuple[date, date, date]:
    """What a month is compared with: itself, the month before, and the same month of the year before."""
    return month, months_before(month, 1), months_before(month, 12)


def total(lines: Iterable[BurdenLine]) -> dict[str, int]:
    """The sum of all lines, by count."""
    every = list(lines)
    return {name: sum(getattr(line, name) for line in every) for name in COUNTS}


def never_used(
    items: Iterable[ListItem], used: Collection[str], *, on: date, asker: DepartmentCode | None
) -> list[ItemCode]:
    """Items in force on a day that are not among the used ones.

    asker: only items that this department may ask for, since it does not see what others ask; None: all. What may
    never be asked is no item in force.
    """
    return [
        item.code
        for item in items
        if item.category not in (ItemCategory.NEGATIVE, ItemCategory.TAKEN_BACK)
        and (item.valid_from or date.min) <= on <= (item.valid_to or date.max)
        and (asker is None or asker in item.askers)
        and item.code not in used
    ][:ITEMS_MAX]


def report(
    division: DivisionCode,
    month: date,
    lines: Sequence[BurdenLine],
    unused: Sequence[ItemCode],
    late: Sequence[ItemCode],
    *,
    today: date,
) -> BurdenReported:
    """A month's burden on the villages below a division, told once."""
    return BurdenReported(
        division=division,
        month=month,
        lines=tuple(lines),
        items_never_used=tuple(unused),
        items_always_late=tuple(late),
        reported_on=today,
    )


def last_day_of(month: date) -> date:
    """The last day of a month that is named by its first."""
    return date.fromordinal(months_before(month, -1).toordinal() - 1)


def write_lines(lines: Iterable[BurdenLine]) -> str:
    """The lines as CSV with a header: codes and counts alone, none of which need quoting."""
    rows = [_COLUMNS, *([str(getattr(line, name)) for name in _COLUMNS] for line in lines)]
    return "".join(",".join(row) + "\r\n" for row in rows)
