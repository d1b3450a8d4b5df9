"""Cases: whom a programme looks at. A person, a household, a household by its head, by any member, by each of its dead.

Every case has the facts of a person, of a household, or of both, and those of the county; what nobody is there for is
unknown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

import numpy as np

from subsidy.column_rules import (
    NOWHERE,
    Bools,
    Column,
    Places,
    Table,
    absent,
    constant,
    counted,
    of_age_at,
    since_death,
)
from subsidy.vocabulary_rules import BY_NAME, FactDefinition

Source = Literal["person", "household", "head", "any", "deceased"]

_RANKS: Final = ("head", "spouse")


@dataclass(frozen=True, slots=True)
class Amounts:
    """Numbers of some people or households: what we paid, or how often. Whoever is not among them has none."""

    places: Places
    values: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"


@dataclass(slots=True)
class County:
    """Everything that a month is computed from, read at one moment.

    complete: the registers in which no row means no, with their numbers. paid: by the name of a fact that says what we
    ourselves paid before.
    """

    people: Table
    homes: Table
    inhabitants: Bools
    """Which people are the county's own; the others only belong to one of its households."""
    own_homes: Bools
    reference_on: date
    complete: Mapping[str, int]
    parameters: Mapping[str, bool | int | str | None]
    paid: Mapping[str, Amounts]
    _facts: dict[str, Column] = field(default_factory=dict)

    def fact(self, name: str) -> Column:
        """A fact of everybody: of people in their places, of households in theirs, of the county for all."""
        if name not in self._facts:
            self._facts[name] = self._made(BY_NAME[name])
        return self._facts[name]

    def _made(self, definition: FactDefinition) -> Column:
        if definition.entity == "county":
            return constant(self.parameters.get(definition.name), definition)
        table = self.people if definition.entity == "person" else self.homes
        if definition.name in self.paid:
            return self._own_payments(definition, table)
        if definition.derived_from:
            column = counted(table.columns[definition.derived_from], self.reference_on, definition.name)
            if definition.name == "months_since_death":
                column = since_death(column, self.fact("is_alive"))
        else:
            column = table.columns[definition.name]
        if definition.absent is None or definition.register not in self.complete:
            return column
        return absent(column, definition, table.held >> self.complete[definition.register] & 1 == 0)

    def _own_payments(self, definition: FactDefinition, table: Table) -> Column:
        """Nothing paid is 0, never unknown; what a household got is shared out among its members."""
        paid, by_member = self.paid[definition.name], definition.name == "dibao_paid_per_capita_fen_month"
        values = np.zeros(len(self.homes) if by_member else len(table), np.int64)
        there = paid.places >= 0
        values[paid.places[there]] = paid.values[there]
        if not by_member:
            return Column.numbers(values, None)
        size = self.fact("household_size")
        divisible = (size.values > 0) if size.known is None else (size.values > 0) & size.known
        each = np.where(divisible, values // np.where(divisible, size.values, 1), 0)
        shared = Column.numbers(each, divisible | (values == 0))
        column = shared.at(self.people.home)
        if column.known is None:
            return column
        return Column.numbers(np.where(self.people.home < 0, 0, column.values), column.known | (self.people.home < 0))


@dataclass(slots=True)
class Cases(Mapping[str, Column]):
    """Those that a programme looks at, as a mapping of facts by name.

    person and home: their places in the county's tables, nowhere for none; None for home: the person's own one, for
    person: there is no person in these cases. whole: the cases are all of the table, in its order.
    """

    county: County
    source: Source
    person: Places | None
    home: Places | None
    whole: bool = False
    _seen: dict[str, Column] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Column:
        if name not in self._seen:
            self._seen[name] = self._column(name)
        return self._seen[name]

    def __iter__(self) -> Iterator[str]:
        return iter(BY_NAME)

    def __len__(self) -> int:
        return len(BY_NAME)

    def _column(self, name: str) -> Column:
        column, entity = self.county.fact(name), BY_NAME[name].entity
        if entity == "county":
            return column
        table: Source = "person" if entity == "person" else "household"
        if self.whole and self.source == table:
            return column
        places = self.person if entity == "person" else self.home
        if places is None:
            raise KeyError(name)
        return column.at(places)

    def of(self, cases: "np.ndarray[tuple[int, ...], np.dtype[np.intp]]") -> "Cases":
        """Some of these cases."""
        person = None if self.person is None else self.person[cases]
        home = None if self.home is None else self.home[cases]
        return Cases(self.county, self.source, person, home)

    @property
    def many(self) -> int:
        """How many cases there are."""
        places = self.home if self.person is None else self.person
        assert places is not None
        return len(places)


def cases_of(county: County, source: Source) -> Cases:
    """All cases of that kind in the county."""
    everybody = np.arange(len(county.people), dtype=np.int32)
    every_home = np.arange(len(county.homes), dtype=np.int32)
    home = county.people.home
    match source:
        case "person":
            return Cases(county, source, everybody, home, whole=True)
        case "household":
            return Cases(county, source, None, every_home, whole=True)
        case "head":
            return Cases(county, source, heads(county), every_home)
        case "any":
            members = np.flatnonzero(home >= 0).astype(np.int32)
            lived_in = np.zeros(len(county.homes), bool)
            lived_in[home[members]] = True
            empty = np.flatnonzero(~lived_in).astype(np.int32)
            nobody = np.full(len(empty), NOWHERE, np.int32)
            return Cases(county, source, np.concatenate([members, nobody]), np.concatenate([home[members], empty]))
        case "deceased":
            alive = county.fact("is_alive")
            gone = ~alive.values if alive.known is None else ~alive.values & alive.known
            dead = np.flatnonzero(gone & (home >= 0)).astype(np.int32)
            return Cases(county, source, dead, home[dead])


def heads(county: County) -> Places:
    """The head of each household: the living one of several, then the one of the lowest id."""
    relation = county.people.columns["relation_to_head"]
    is_head = relation.values == relation.words.index("head")
    if relation.known is not None:
        is_head = is_head & relation.known
    alive = county.people.columns["is_alive"]
    gone = ~alive.values if alive.known is None else ~alive.values & alive.known
    return _first(county, is_head & (county.people.home >= 0), gone.astype(np.int64))


def payees(county: County) -> Places:
    """Who receives for each household, and for its children: its living head, else the spouse, else the eldest."""
    people = county.people
    alive = people.columns["is_alive"]
    gone = ~alive.values if alive.known is None else ~alive.values & alive.known
    relation = people.columns["relation_to_head"]
    of_word = np.array([_RANKS.index(word) if word in _RANKS else len(_RANKS) for word in relation.words], np.int64)
    rank = of_word[relation.values]
    if relation.known is not None:
        rank = np.where(relation.known, rank, len(_RANKS))
    born = people.columns["birth_date"]
    day = born.values + 2**20  # no birth lies before the year -900
    if born.known is not None:
        day = np.where(born.known, day, 2**22)
    return _first(county, ~gone & (people.home >= 0), rank << 24 | day)


def receivers(county: County, payee: Places) -> Places:
    """Who receives for each person: oneself, or the household's payee for a minor."""
    people = county.people
    everybody = np.arange(len(people), dtype=np.int32)
    for_home = np.where(people.home >= 0, payee[people.home], NOWHERE) if len(payee) else np.full(len(people), NOWHERE)
    grown = of_age_at(people.columns["birth_date"], county.reference_on)
    return np.where(grown | (for_home < 0), everybody, for_home).astype(np.int32)


def _first(county: County, candidates: Bools, key: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> Places:
    """Of each household the candidate of the lowest key, the lowest id among equals; nowhere when there is none."""
    first = np.full(len(county.homes), NOWHERE, np.int32)
    at = np.flatnonzero(candidates)
    if not len(at):
        return first
    home = county.people.home[at].astype(np.int64)
    order = np.lexsort((county.people.rank[at], home << 32 | key[at]))
    sorted_homes = home[order]
    begins = np.ones(len(order), bool)
    begins[1:] = sorted_homes[1:] != sorted_homes[:-1]
    first[sorted_homes[begins]] = at[order[begins]]
    return first
