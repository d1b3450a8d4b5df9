"""The facts of one case as a run would take them, each with where it comes from, since when, and what is wanting.

They are the same that the run computes for everybody: what a complete register without a row means, what time makes of
dates at the reference day, what we ourselves paid before.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from subsidy.vocabulary_rules import BY_NAME, Entity, FactDefinition

Origin = Literal["recorded", "derived", "no_row", "own_payments", "parameter", "nowhere"]
Gap = Literal["no_subject", "no_row", "no_value", "no_date", "no_parameter"]
Later = Literal["told_again", "changed"]
"""Of a fact as it stood when a list was frozen. told_again: the same was told once more since, and of what was told
first only this is known. changed: it was corrected or has changed since, and who had told it is not known any more."""

_YEARS: Final = frozenset({"age_years", "graduation_years_ago", "party_years"})


@dataclass(frozen=True, slots=True)
class Told:
    """Which system told of a data set, and as of when."""

    system: str
    source_time: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """A person or a household: what was recorded, and who told; `told` has the registers that hold a row of it, with
    None where nobody knows who told."""

    id: UUID
    columns: Mapping[str, Any]
    told: Mapping[str, Told | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParameterInForce:
    """A county's parameter from a day on; told: None where nobody knows who told."""

    value: bool | int | str | None
    effective_on: date | None
    told: Told | None


@dataclass(frozen=True, slots=True)
class Paid:
    """What we ourselves owed before, of one case: fen in the month before, and how often."""

    subsistence_fen: int = 0
    hardship_disability_fen: int = 0
    temporary_aid_times: int = 0
    resettler_times: int = 0


@dataclass(frozen=True, slots=True)
class Ground:
    """What holds for the whole county in that month. complete: the registers in which no row means no."""

    reference_on: date
    complete: Set[str]
    parameters: Mapping[str, ParameterInForce]


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact of a case. value: None is unknown, and `gap` says why. since: the date from which time is counted.

    department: who keeps the register, and owes what is wanting.
    """

    definition: FactDefinition
    value: Any
    origin: Origin
    register: str
    department: str
    subject: UUID | None = None
    told: Told | None = None
    since: date | None = None
    effective_on: date | None = None
    gap: Gap | None = None
    later: Later | None = None

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def entity(self) -> Entity:
        return self.definition.entity

    @property
    def counts_time(self) -> bool:
        """Whether it changes by itself as time goes on."""
        return self.since is not None


def facts_of(
    wanted: Iterable[FactDefinition], person: Subject | None, home: Subject | None, ground: Ground, paid: Paid
) -> dict[str, KnownFact]:
    """The facts by name. None for a person or household: there is none in this case, or none that is known."""
    return {fact.name: _fact(fact, person, home, ground, paid) for fact in wanted}


def values(facts: Mapping[str, KnownFact]) -> dict[str, Any]:
    """What a rule sees of them; None is unknown."""
    return {name: fact.value for name, fact in facts.items()}


def at(facts: Mapping[str, KnownFact], on: date) -> dict[str, KnownFact]:
    """The same facts on another day, when nothing has changed but the time."""
    return {
        name: replace(fact, value=counted(fact.since, on, name)) if fact.since is not None else fact
        for name, fact in facts.items()
    }


def counted(since: date, on: date, name: str) -> int:
    """How much time has passed by that day: whole years or months, as that fact counts; below 0: still to come."""
    months = on.year * 12 + on.month - since.year * 12 - since.month - (since.day > on.day)
    if name not in _YEARS:
        return months
    return months // 12 if months >= 0 else -(-months // 12)  # truncated towards zero, as every division in rules


def month_when(since: date, name: str, many: int) -> date:
    """The first day of the first month of which that many have passed since then."""
    months = since.year * 12 + since.month - 1 + many * (12 if name in _YEARS else 1) + (since.day > 1)
    return date(months // 12, months % 12 + 1, 1)


def owed_by(fact: FactDefinition) -> tuple[str, str]:
    """The register that a fact comes from in the end, and the department that keeps it."""
    base = BY_NAME.get(fact.derived_from, fact)
    return base.register, base.department


def _fact(fact: FactDefinition, person: Subject | None, home: Subject | None, ground: Ground, paid: Paid) -> KnownFact:
    register, department = owed_by(fact)
    unknown = KnownFact(fact, None, "nowhere", register, department)
    if fact.entity == "county":
        return _parameter(unknown, ground)
    if fact.derived_from and fact.derived_from not in BY_NAME:
        return _own_payment(unknown, person, home, paid)
    subject = person if fact.entity == "person" else home
    if subject is None:
        return replace(unknown, gap="no_subject")
    known = replace(unknown, subject=subject.id, told=subject.told.get(register))
    if fact.absent is not None and fact.register in ground.complete and fact.register not in subject.told:
        return replace(known, value=fact.absent, origin="no_row", told=None)
    return _from_date(known, subject, ground) if fact.derived_from else _recorded(known, subject)


def _recorded(known: KnownFact, subject: Subject) -> KnownFact:
    value = subject.columns[known.name]
    if value is None:
        return replace(known, gap="no_value" if known.register in subject.told else "no_row")
    return replace(known, value=tuple(value) if known.definition.type == "list" else value, origin="recorded")


def _parameter(unknown: KnownFact, ground: Ground) -> KnownFact:
    there = ground.parameters.get(unknown.name)
    if there is None:
        return replace(unknown, gap="no_parameter")
    return replace(
        unknown,
        value=there.value,
        origin="parameter" if there.value is not None else "nowhere",
        told=there.told,
        effective_on=there.effective_on,
        gap=None if there.value is not None else "no_parameter",
    )


def _from_date(known: KnownFact, subject: Subject, ground: Ground) -> KnownFact:
    since = subject.columns[known.definition.derived_from]
    if known.name == "months_since_death":
        alive = subject.columns["is_alive"]
        if alive is not False:
            return replace(known, value=-1, origin="derived") if alive else replace(known, gap="no_value")
    if since is None:
        return replace(known, gap="no_date" if known.register in subject.told else "no_row")
    return replace(known, value=counted(since, ground.reference_on, known.name), origin="derived", since=since)


def _own_payment(unknown: KnownFact, person: Subject | None, home: Subject | None, paid: Paid) -> KnownFact:
    """Nothing paid is 0, never unknown; what a household got is shared out among its members."""
    subject = person if unknown.entity == "person" else home
    if subject is None:
        return replace(unknown, gap="no_subject")
    known = replace(unknown, subject=subject.id, origin="own_payments")
    if unknown.name != "dibao_paid_per_capita_fen_month":
        return replace(known, value=_TIMES_OR_FEN[unknown.name](paid))
    size = 1 if home is None else home.columns["household_size"]
    if paid.subsistence_fen and not size:
        return replace(known, origin="nowhere", gap="no_value")
    return replace(known, value=paid.subsistence_fen // size if paid.subsistence_fen else 0)


_TIMES_OR_FEN: Final[Mapping[str, Callable[[Paid], int]]] = {
    "hardship_disability_paid_fen_month": lambda paid: paid.hardship_disability_fen,
    "temporary_aid_count_year": lambda paid: paid.temporary_aid_times,
    "migrant_support_years_used": lambda paid: paid.resettler_times,
}
