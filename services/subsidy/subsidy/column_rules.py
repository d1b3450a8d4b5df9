"""Facts as columns: one array for each fact, over everybody at once, and what time makes of dates.

An array has a place for each person, or for each household; the same place in every column is the same subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from subsidy.vocabulary_rules import FactDefinition

Bools: TypeAlias = NDArray[np.bool_]
Whole: TypeAlias = NDArray[np.int64]
Places: TypeAlias = NDArray[np.int32]
"""Places in another table; -1 is nowhere."""

NOWHERE: Final = -1
OF_AGE_MONTHS: Final = 18 * 12
YEARS: Final = frozenset({"age_years", "graduation_years_ago", "party_years"})
"""Facts counted in whole years; the others that count time count whole months."""


@dataclass(frozen=True, slots=True)
class Column:
    """A fact of everybody.

    values: bool for a fact that is true or false; else whole numbers: the number itself, days since 1970-01-01 for a
    date, the place in `words` for a text, a bit for each of `words` for a list. known: where the value counts; None:
    everywhere. lowest, highest: bounds of what is known.
    """

    values: NDArray[Any]
    known: Bools | None = None
    words: tuple[str, ...] = ()
    lowest: int = 0
    highest: int = 0

    @classmethod
    def truths(cls, values: Bools, known: Bools | None) -> "Column":
        """Of what is true or false."""
        return cls(values, _useful(known))

    @classmethod
    def numbers(cls, values: Whole, known: Bools | None) -> "Column":
        """Of whole numbers, with their bounds, within which what is unknown is held too."""
        counted = values if known is None else values[known]
        if not counted.size:
            return cls(np.zeros_like(values), _useful(known))
        lowest, highest = int(counted.min()), int(counted.max())
        if (hiding := _useful(known)) is not None:
            values = np.where(hiding, values, lowest)
        return cls(values, hiding, (), lowest, highest)

    @classmethod
    def texts(cls, codes: NDArray[Any], known: Bools | None, vocabulary: Sequence[str]) -> "Column":
        """Of texts, or of lists of them, by their places in the vocabulary."""
        return cls(codes, _useful(known), tuple(vocabulary))

    def at(self, places: NDArray[Any]) -> "Column":
        """The column of those at these places; whoever is nowhere has it unknown."""
        if not self.values.size:
            return Column(np.zeros(len(places), self.values.dtype), np.zeros(len(places), bool), self.words)
        nowhere = places < 0
        values = self.values[places]
        known = None if self.known is None else self.known[places]
        if nowhere.any():
            known = ~nowhere if known is None else known & ~nowhere
        return Column(values, known, self.words, self.lowest, self.highest)

    def value(self, place: int) -> Any:
        """What it is at one place, as a rule sees it; None is unknown."""
        if self.known is not None and not self.known[place]:
            return None
        value = self.values[place].item()
        if not self.words:
            return value
        return self.words[value]

    def listed(self, place: int) -> tuple[str, ...] | None:
        """The words of a list at one place; None is unknown."""
        if self.known is not None and not self.known[place]:
            return None
        return tuple(word for bit, word in enumerate(self.words) if int(self.values[place]) >> bit & 1)


@dataclass(slots=True)
class Table:
    """People or households, and what was recorded of them. high, low: the two halves of their ids. division: where
    each lies, by our own number. held: the registers that have a row of each, a bit for each register. home: of people,
    the place of each one's household.
    """

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    division: NDArray[np.int32]
    held: NDArray[np.int64]
    columns: dict[str, Column] = field(default_factory=dict)
    home: Places = field(default_factory=lambda: np.empty(0, np.int32))
    _in_order: NDArray[np.intp] | None = None
    _by_low: NDArray[np.intp] | None = None
    _rank: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.low)

    @property
    def in_order(self) -> NDArray[np.intp]:
        """The places in the order of the ids."""
        if self._in_order is None:
            self._in_order = np.lexsort((self.low, self.high))
        return self._in_order

    @property
    def rank(self) -> NDArray[np.int32]:
        """Of each place, which number its id has in their order."""
        if self._rank is None:
            self._rank = np.empty(len(self), np.int32)
            self._rank[self.in_order] = np.arange(len(self), dtype=np.int32)
        return self._rank

    def places_of(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Places:
        """Where each of these ids is; nowhere for one that is not among them.

        The lower half of an id is random, the upper half a time that many share: the lower one is looked up first.
        """
        if not len(self) or not len(low):
            return np.full(len(low), NOWHERE, np.int32)
        if self._by_low is None:
            self._by_low = np.argsort(self.low, kind="stable")
        order = self._by_low
        ours = self.low[order]
        if (ours[1:] == ours[:-1]).any():
            known = {pair: at for at, pair in enumerate(zip(self.high.tolist(), self.low.tolist(), strict=True))}
            asked = zip(high.tolist(), low.tolist(), strict=True)
            return np.fromiter((known.get(pair, NOWHERE) for pair in asked), np.int32, len(low))
        found = order[np.minimum(np.searchsorted(ours, low), len(order) - 1)]
        return np.where((self.low[found] == low) & (self.high[found] == high), found, NOWHERE).astype(np.int32)


def constant(value: object, definition: FactDefinition) -> Column:
    """The same for everybody: a parameter of the county; None is unknown."""
    known = None if value is not None else np.zeros((), bool)
    match value:
        case bool():
            return Column(np.asarray(value), known)
        case int():
            return Column(np.asarray(value, np.int64), known, (), value, value)
        case str():
            return Column(np.zeros((), np.int64), known, (value,))
        case _:
            empty = np.zeros((), bool if definition.type == "bool" else np.int64)
            return Column(empty, known, ("",) if definition.type in ("string", "list") else ())


def absent(column: Column, definition: FactDefinition, missing: Bools) -> Column:
    """The column where a complete register that has no row of somebody says what that means."""
    said = column.words
    match definition.absent:
        case bool(value):
            filled: Any = value
        case int(value):
            filled = value
        case str(word):
            said = said if word in said else (*said, word)
            filled = said.index(word)
        case _:
            filled = 0  # an empty list: no bit
    values = np.where(missing, filled, column.values).astype(column.values.dtype, copy=False)
    known = None if column.known is None else column.known | missing
    if definition.type == "int":
        return Column.numbers(values, known)
    return Column(values, _useful(known), said)


def counted(dates: Column, on: date, name: str) -> Column:
    """How much time has passed by that day since each date: whole years or months, as the fact of that name counts."""
    days = dates.values.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    day_of_month = (days - months).astype(np.int64) + 1
    passed = (on.year - 1970) * 12 + on.month - 1 - months.astype(np.int64) - (day_of_month > on.day)
    if name in YEARS:
        years = np.abs(passed) // 12
        passed = np.where(passed < 0, -years, years)  # truncated towards zero, as every division here
    return Column.numbers(passed, dates.known)


def since_death(passed: Column, alive: Column) -> Column:
    """Months since somebody died: -1 for the living, unknown for whom it is not known whether they live."""
    known_alive = np.ones(alive.values.shape, bool) if alive.known is None else alive.known
    living = alive.values & known_alive
    died = ~alive.values & known_alive
    known = living | (died if passed.known is None else died & passed.known)
    return Column.numbers(np.where(living, -1, passed.values), known)


def of_age_at(born: Column, on: date) -> Bools:
    """Who is not known to be a minor on that day."""
    months = counted(born, on, "age_months")
    minor = months.values < OF_AGE_MONTHS
    grown: Bools = ~minor if months.known is None else ~(minor & months.known)
    return grown


def _useful(known: Bools | None) -> Bools | None:
    """None instead of a mask that hides nothing: what follows is spared looking at it."""
    return None if known is None or bool(known.all()) else known
