"""What a village is told before it sets its limit: how long such tasks took others, in numbers that name nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, TypeAlias

Durations: TypeAlias = Sequence[tuple[int, int]]
"""Working days used, and how many shares used them; fewest days first."""

YEARS_BACK: Final = 3
SHARES_MIN: Final = 5  # fewer could be known by whose they are


@dataclass(frozen=True, slots=True)
class Took:
    """How long such tasks took, in working days; `like` says what "such" means here."""

    like: Literal["item", "department_and_kind"]
    shares: int
    median: int
    most: int  # 80 % took no longer than this


def since(today: date) -> date:
    """The first month that counts."""
    return date(today.year - YEARS_BACK, today.month, 1)


def took(like: Literal["item", "department_and_kind"], durations: Durations) -> Took | None:
    """The hint, or None where there are too few to say anything."""
    shares = sum(count for _, count in durations)
    if shares < SHARES_MIN:
        return None
    return Took(like, shares, quantile(durations, 50), quantile(durations, 80))


def quantile(durations: Durations, percent: int) -> int:
    """The fewest days within which at least so many percent were finished; percent 1..100, at least one share."""
    shares = sum(count for _, count in durations)
    finished = 0
    for days, count in durations:
        finished += count
        if finished * 100 >= shares * percent:
            return days
    raise ValueError("there is nothing to take a quantile of")
