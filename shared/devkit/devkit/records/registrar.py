"""The registrar of the synthetic county: draws whom a register names, and enters what it says of them."""

from collections.abc import Callable, Iterable
from datetime import date
from random import Random
from typing import Final, TypeVar

from devkit.records.people import Household, Person, State, age
from devkit.records.vocabulary import blank_row, fact_names
from qingdan.records_events import FactValue

AT_LEAST: Final = 6
"""Nobody is alone in a register: of the six drawn at least, some fail a programme's other conditions."""

S = TypeVar("S", Person, Household)


class TooFewPeople(ValueError):
    """The population is too small to have somebody for every programme."""


class Registrar:
    """Draws and enters. What is drawn depends on the seed and on nothing else."""

    def __init__(self, rng: Random, as_of: date, people: tuple[Person, ...], households: tuple[Household, ...]) -> None:
        self.rng = rng
        self.as_of = as_of
        self.size = len(people)
        self.households = households
        self.everybody = people
        self.living = [person for person in people if person.died is None]
        self.local = [person for person in self.living if person.local]
        self._ages = {person.id: age(person.born, as_of) for person in people}
        self._rows: dict[tuple[str, str], dict[str, FactValue]] = {}

    def age(self, person: Person) -> int:
        """Completed years on the day of the registers."""
        return self._ages[person.id]

    def aged(self, youngest: int, oldest: int = 200, *, among: Iterable[Person] | None = None) -> list[Person]:
        """Living locals of that age, both ends included."""
        people = self.local if among is None else among
        return [person for person in people if youngest <= self._ages[person.id] <= oldest]

    def draw(
        self,
        among: Iterable[S],
        per_10_000: int,
        *,
        but_not: Callable[[S], bool] | None = None,
        at_least: int = AT_LEAST,
    ) -> list[S]:
        """So many for ten thousand of the whole population, and never fewer than `at_least`.

        Raises TooFewPeople when `among` has not even those.
        """
        candidates = [each for each in among if but_not is None or not but_not(each)]
        wanted = max(at_least, round(self.size * per_10_000 / 10_000))
        if len(candidates) < at_least:
            raise TooFewPeople(f"{self.size} people have only {len(candidates)} of a kind")
        return self.rng.sample(candidates, min(wanted, len(candidates)))

    def enter(self, subject: Person | Household, register: str, **facts: FactValue) -> None:
        """Facts into the subject's row of a register; what is not told of the row is blank.

        Raises ValueError for a fact that the register does not hold.
        """
        entity = "person" if isinstance(subject, Person) else "household"
        if not facts.keys() <= fact_names(register, entity):
            raise ValueError(f"{register} holds no {sorted(facts.keys() - fact_names(register, entity))}")
        key = subject.subject, register
        row = self._rows.get(key)
        if row is None:
            self._rows[key] = {**blank_row(register, entity), **facts}
        else:
            row.update(facts)

    def says(self, subject: Person | Household, register: str, fact: str) -> FactValue:
        """What has been entered so far; None without a row."""
        return self._rows.get((subject.subject, register), {}).get(fact)

    def states(self) -> tuple[State, ...]:
        """Every row."""
        return tuple(State(subject, register, row) for (subject, register), row in self._rows.items())

    def years_before(self, years: float) -> str:
        """A date so long ago, as facts carry dates."""
        return date.fromordinal(self.as_of.toordinal() - round(years * 365.25)).isoformat()
