"""Working days: limits count the days on which China works, make-up days included."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from chinese_calendar import constants  # type: ignore[import-untyped] # it ships no types

DAYS_MAX: Final = 1000
SPAN_MAX: Final = timedelta(days=3660)

# Beyond the announced years only the days that the law fixes in the solar calendar are known to be free
# (全国年节及纪念日放假办法): New Year, Labour Day, National Day. Spring Festival and the make-up days are announced
# each November by the State Council; until then a date that depends on them is provisional.
FIXED_HOLIDAYS: Final = frozenset({(1, 1), (5, 1), (10, 1), (10, 2), (10, 3)})

ANNOUNCED_FROM: Final = date(min(constants.holidays).year, 1, 1)
ANNOUNCED_TO: Final = date(max(constants.holidays).year, 12, 31)

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DueDate:
    """A day by which something is due.

    provisional: it passes days whose holidays are not announced yet; compute it again when they are.
    """

    on: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """The State Council's calendar with a county's own corrections.

    overrides: date -> whether it is a working day; wins over everything else and makes that day certain.
    """

    overrides: Mapping[date, bool] = field(default_factory=dict)

    def is_working_day(self, day: date) -> bool:
        """Whether China works on that day, as far as is known."""
        overridden = self.overrides.get(day)
        if overridden is not None:
            return overridden
        if _announced(day):  # is_workday() itself searches its whole table for the known years on every call
            return day in constants.workdays or (day.weekday() < 5 and day not in constants.holidays)
        return day.weekday() < 5 and (day.month, day.day) not in FIXED_HOLIDAYS

    def is_provisional(self, day: date) -> bool:
        """Whether that day may still turn out otherwise: its year is not announced and nobody has overridden it."""
        return not _announced(day) and day not in self.overrides

    def add_working_days(self, start: date, days: int) -> DueDate:
        """The day on which the given number of working days has passed.

        The start is day 0, whether it is a working day or not. Raises ValueError unless 1 <= days <= 1000 and the
        start leaves room for them before the year 10000.
        """
        if not 1 <= days <= DAYS_MAX:
            raise ValueError(f"a limit has 1 to {DAYS_MAX} working days")
        if start > date.max - SPAN_MAX:
            raise ValueError("a limit starts earlier than that")
        day, left, provisional = start, days, False
        while left:
            day += _DAY
            provisional = provisional or self.is_provisional(day)
            left -= self.is_working_day(day)
        return DueDate(day, provisional)

    def working_days_between(self, start: date, end: date) -> int:
        """How many working days lie after the start up to and including the end; negative when the end is earlier.

        The inverse of add_working_days: a thing begun and finished on the same day used 0. Raises ValueError when
        the days are more than ten years apart.
        """
        if end < start:
            return -self.working_days_between(end, start)
        if end - start > SPAN_MAX:
            raise ValueError(f"at most {SPAN_MAX.days} days can lie between")
        return sum(self.is_working_day(start + n * _DAY) for n in range(1, (end - start).days + 1))


def _announced(day: date) -> bool:
    return ANNOUNCED_FROM <= day <= ANNOUNCED_TO
