"""Households of synthetic people: who lives together in which village, how old, related how."""

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final
from uuid import UUID

from devkit.records.identities import CANARY, CANARY_BORN, PaperOffice
from devkit.records.people import ANJI, Household, Person, Relation, age
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import PersonId

DIVISIONS: Final = Path(__file__).parents[1] / "data" / "divisions.csv"
OLDEST: Final = (103, 102, 101, 101, 100, 100, *range(90, 100), *range(90, 100))
"""Ages of some who live alone: chance would give a small population nobody so old."""
LIVES_ELSEWHERE: Final = 0.02  # registered in another county, as some husbands and wives are
DIED_LATELY: Final = 0.06  # of the old who lived with others, within the eleven months before
ADULT: Final = 16

Member = tuple[Relation, int, bool]
"""Relation to the head, age, male."""


class HouseholdMaker:
    """Makes households, in turn; the first lives alone and is the canary."""

    def __init__(self, rng: Random, as_of: date) -> None:
        self._rng = rng
        self._as_of = as_of
        self._papers = PaperOffice(rng)
        self._villages = villages()
        self._numbers = count(1)
        self._ids = _ids(rng, as_of)

    def households(self, people: int) -> Iterator[Household]:
        """Households with `people` members in all."""
        canary = self._household([("head", age(CANARY_BORN, self._as_of), False)])
        canary.head.born, canary.head.papers, canary.head.local = CANARY_BORN, CANARY, True
        canary.rural = True
        yield canary
        made = 1
        for years in OLDEST:
            yield self._household([("head", years, self._rng.random() < 0.4)])
            made += 1
        shapes, weights = list(SHAPES), list(SHAPES.values())
        while made < people:
            shape = self._rng.choices(shapes, weights)[0]
            members = shape(self._rng)[: people - made]
            yield self._household(members)
            made += len(members)

    def _household(self, members: list[Member]) -> Household:
        rng = self._rng
        number, village = next(self._numbers), rng.choice(self._villages)
        household = Household(next(self._ids), f"AJ{number:06}", village, rng.random() < 0.85)
        for relation, years, male in members:
            household.members.append(self._person(household, relation, years, male))
        return household

    def _person(self, household: Household, relation: Relation, years: int, male: bool) -> Person:
        rng = self._rng
        born = _birthday(self._as_of, years, rng.randrange(365))
        died = None
        if relation in {"spouse", "parent"} and years >= 70 and rng.random() < DIED_LATELY:
            died = self._as_of - timedelta(days=rng.choice((rng.randrange(1, 29), rng.randrange(1, 330))))
        papers = self._papers.papers(born, male=male, adult=years >= ADULT)
        local = rng.random() >= LIVES_ELSEWHERE
        return Person(PersonId(next(self._ids)), household, relation, male, born, local, papers, died)


def villages() -> tuple[DivisionCode, ...]:
    """The villages and residents' communities of Anji County, by the statistics bureau's codes."""
    parents: dict[DivisionCode, DivisionCode | None] = {}
    with DIVISIONS.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            parents[DivisionCode(row["code"])] = DivisionCode(row["parent_code"]) if row["parent_code"] else None
    townships = {code for code, parent in parents.items() if parent == ANJI}
    return tuple(
        code for code, parent in sorted(parents.items()) if parent in townships and code.level is DivisionLevel.VILLAGE
    )


# ── shapes of households ─────────────────────────────────────────────────────────────────────────────────────────────


def _old(rng: Random) -> int:
    return 60 + int(rng.betavariate(1.25, 2.2) * 38)


def _children(rng: Random, mother: int, at_most: int) -> list[Member]:
    """Born when she was 22 to 36, those who are still at home."""
    ages = sorted((mother - rng.randrange(22, 37) for _ in range(rng.randint(1, at_most))), reverse=True)
    return [("child", years, rng.random() < 0.51) for years in ages if 0 <= years <= 26]


def _couple(rng: Random, years: int) -> list[Member]:
    male = rng.random() < 0.8
    return [("head", years, male), ("spouse", max(years + rng.randint(-4, 3), 20), not male)]


def _old_alone(rng: Random) -> list[Member]:
    return [("head", _old(rng), rng.random() < 0.45)]


def _old_couple(rng: Random) -> list[Member]:
    return _couple(rng, _old(rng))


def _grown_couple(rng: Random) -> list[Member]:
    return _couple(rng, rng.randrange(45, 60))


def _family(rng: Random) -> list[Member]:
    couple = _couple(rng, rng.randrange(25, 52))
    return [*couple, *_children(rng, min(member[1] for member in couple), 3)]


def _three_generations(rng: Random) -> list[Member]:
    couple = _couple(rng, rng.randrange(27, 54))
    elder = couple[0][1] + rng.randrange(22, 31)
    parents: list[Member] = [("parent", elder, False)]
    if rng.random() < 0.6:
        parents.append(("parent", elder + rng.randrange(0, 5), True))
    return [*couple, *_children(rng, min(member[1] for member in couple), 2), *parents]


def _single(rng: Random) -> list[Member]:
    return [("head", rng.randrange(22, 60), rng.random() < 0.7)]


def _one_parent(rng: Random) -> list[Member]:
    years = rng.randrange(28, 50)
    return [("head", years, rng.random() < 0.4), *_children(rng, years, 2)]


def _with_grandchild(rng: Random) -> list[Member]:
    """Grandparents who bring up their grandchildren."""
    return [*_couple(rng, rng.randrange(58, 75)), ("other", rng.randrange(2, 17), rng.random() < 0.51)]


SHAPES: Final[Mapping[Callable[[Random], list[Member]], int]] = MappingProxyType(
    {
        _old_alone: 9,
        _old_couple: 17,
        _grown_couple: 16,
        _family: 27,
        _three_generations: 19,
        _single: 5,
        _one_parent: 3,
        _with_grandchild: 4,
    }
)


def _birthday(as_of: date, years: int, days: int) -> date:
    """A day on which somebody was born who has completed that many years."""
    last = date(as_of.year - years, as_of.month, min(as_of.day, 28))
    return last - timedelta(days=days)


def _ids(rng: Random, as_of: date) -> Iterator[UUID]:
    """UUIDs of the form of version 7, in ascending order, the same for the same seed."""
    start_ms = (as_of - date(1970, 1, 1)).days * 86_400_000
    for serial in count():
        random_bits = rng.getrandbits(74)
        upper, lower = random_bits >> 62, random_bits & (2**62 - 1)
        yield UUID(int=(start_ms + serial) << 80 | 0x7 << 76 | upper << 64 | 0b10 << 62 | lower)
