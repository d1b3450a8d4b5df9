"""The synthetic people of Anji County: who they are, how they live together, and what each register says of them."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal
from uuid import UUID

from devkit.records.identities import Papers
from qingdan.divisions import DivisionCode
from qingdan.ids import PersonId
from qingdan.records_events import FactValue

ANJI: Final = DivisionCode("330523000000")

Relation = Literal["head", "spouse", "child", "parent", "other"]


@dataclass(slots=True, eq=False)
class Household:
    """People who live together; the first member is the head."""

    id: UUID
    code: str
    village: DivisionCode
    rural: bool
    members: "list[Person]" = field(default_factory=list)
    subject: str = field(init=False)

    def __post_init__(self) -> None:
        self.subject = f"h:{self.id}"

    @property
    def head(self) -> "Person":
        return self.members[0]

    @property
    def living(self) -> "list[Person]":
        return [person for person in self.members if person.died is None]


@dataclass(slots=True, eq=False)
class Person:
    """A person; whoever is registered in another county (not `local`) lives in the village all the same."""

    id: PersonId
    household: Household
    relation: Relation
    male: bool
    born: date
    local: bool
    papers: Papers
    died: date | None = None
    subject: str = field(init=False)

    def __post_init__(self) -> None:
        self.subject = f"p:{self.id}"


@dataclass(frozen=True, slots=True)
class State:
    """The full state of one register for one subject."""

    subject: str
    register: str
    facts: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody, and everything that the registers hold about them on the day `as_of`.

    `county` are the states of the county itself, in the order of their effect: policy parameters, and of how many
    subjects each register has a row.
    """

    as_of: date
    people: tuple[Person, ...]
    households: tuple[Household, ...]
    states: tuple[State, ...]
    county: tuple[State, ...]

    def with_closed_accounts(self) -> tuple[Person, ...]:
        """Whose account the bank has closed, and who will name another one."""
        return tuple(person for person in self.people if person.papers.account_later is not None)

    def with_state(self, register: str, holds: Callable[[Mapping[str, FactValue]], object]) -> list[str]:
        """The subjects whose row of that register `holds`."""
        return [state.subject for state in self.states if state.register == register and holds(state.facts)]

    def rows_by_register(self) -> Counter[str]:
        """How many subjects each register has a row of."""
        return Counter(state.register for state in self.states)


def age(born: date, on: date) -> int:
    """Completed years; whoever is born on 29 February is a year older on 1 March."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
