"""An oracle of its own: who is entitled to what in a month, by the programmes' CEL, evaluated with the Rust package."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import cel

from devkit.records.people import Household, Person, Population
from devkit.records.vocabulary import FILE, blank_row

SUBSIDIES = FILE.parent / "subsidies.csv"
EVERY_MONTH = frozenset(range(1, 13))
OWN_PAYMENTS = {
    "dibao_paid_per_capita_fen_month": 0,
    "hardship_disability_paid_fen_month": 0,
    "temporary_aid_count_year": 0,
    "migrant_support_years_used": 0,
}
"""In a first run nothing has been paid yet."""


@dataclass(frozen=True)
class Programme:
    code: str
    about: str
    months: frozenset[int]
    once: bool
    excludes: frozenset[str]
    facts_of: str
    rule: Any
    amount: Any
    asks: tuple[str, ...]
    _known: dict[tuple[object, ...], int | None] = field(default_factory=dict)

    def amount_fen(self, facts: Mapping[str, Any]) -> int | None:
        """None for whoever is not entitled, or not known to be."""
        values = tuple(map(facts.get, self.asks))
        if values not in self._known:
            self._known[values] = self._evaluate(values)
        return self._known[values]

    def _evaluate(self, values: tuple[object, ...]) -> int | None:
        context = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in zip(self.asks, values, strict=True)
            if value is not None
        }
        try:
            return int(self.amount.execute(context)) if self.rule.execute(context) is True else None
        except (RuntimeError, TypeError):  # a name without a value: the outcome is unknown
            return None


@cache
def programmes(file: Path = SUBSIDIES) -> tuple[Programme, ...]:
    """By priority: whoever comes first wins an exclusion."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: int(row["priority"]))
    return tuple(_programme(row) for row in rows)


def _programme(row: Mapping[str, str]) -> Programme:
    rule, amount = cel.compile(row["eligibility_cel"]), cel.compile(row["amount_fen_cel"])
    once = row["due_months"] == "on occurrence"
    return Programme(
        code=row["code"],
        about=row["beneficiary"],
        months=EVERY_MONTH if once else frozenset(map(int, row["due_months"].split(";"))),
        once=once,
        excludes=frozenset(filter(None, row["excludes"].split(";"))),
        facts_of=row["person_facts_of"],
        rule=rule,
        amount=amount,
        asks=tuple(sorted({*rule.variables(), *amount.variables()})),
    )


@dataclass(frozen=True)
class Entitled:
    """One payment: a person or household, the dead person that a burial is paid for, and how much."""

    subject: str
    about: str | None
    amount_fen: int


def entitled(population: Population, month: date) -> dict[str, list[Entitled]]:
    """Entitlements by programme in the month that begins on that day, exclusions considered."""
    rows: dict[str, dict[str, Any]] = {}
    for state in population.states:
        rows.setdefault(state.subject, {}).update(state.facts)
    county = _county(population, month)
    household_facts = {home.id: _blank("household") | rows[home.subject] for home in population.households}
    person_facts = {
        person.id: _at(month, _blank("person") | rows[person.subject])
        | household_facts[person.household.id]
        | county
        | OWN_PAYMENTS
        for person in population.people
    }
    granted: dict[str, set[str]] = {}
    found: dict[str, list[Entitled]] = {}
    for programme in programmes():
        found[programme.code] = []
        if month.month not in programme.months:
            continue
        candidates = (
            (
                (person.subject, None, person.household, [person], person_facts[person.id])
                for person in population.people
            )
            if programme.about == "person"
            else _households(programme, population, household_facts, person_facts, county)
        )
        for subject, about, home, people, facts in candidates:
            amount = programme.amount_fen(facts)
            if amount is None:
                continue
            concerned = [*(person.subject for person in people), home.subject]
            if any(granted.get(each, set()) & programme.excludes for each in concerned):
                continue
            found[programme.code].append(Entitled(subject, about, amount))
            granted.setdefault(subject, set()).add(programme.code)
    return found


def _households(
    programme: Programme, population: Population, homes: Mapping[Any, Any], people: Mapping[Any, Any], county: Any
) -> Iterator[tuple[str, str | None, Household, list[Person], Mapping[str, Any]]]:
    for home in population.households:
        own = homes[home.id] | county | OWN_PAYMENTS
        match programme.facts_of:
            case "":
                readings: list[tuple[str | None, dict[str, Any]]] = [(None, own)]
            case "head":
                readings = [(None, people[home.head.id])]
            case "deceased":
                readings = [(dead.subject, people[dead.id]) for dead in home.members if dead.died is not None]
            case "any":
                each_members = [people[person.id] for person in home.members]
                readings = [
                    (None, next((each for each in each_members if programme.amount_fen(each) is not None), own))
                ]
            case other:
                raise AssertionError(other)
        for about, facts in readings:
            yield home.subject, about, home, home.members, facts


@cache
def _blank(entity: str) -> dict[str, Any]:
    """What is said of whoever a register does not have. The population register has everybody."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        registers = {row["source_system"] for row in csv.DictReader(lines) if row["entity"] == entity}
    blank: dict[str, Any] = {}
    for register in registers - {"pop_registry"}:
        try:
            blank |= blank_row(register, entity)
        except KeyError:  # all that it has is derived
            continue
    return blank


def _county(population: Population, month: date) -> dict[str, Any]:
    latest: dict[str, Any] = {}
    for state in sorted(population.county, key=lambda state: str(state.facts.get("effective_on", ""))):
        since = state.facts.get("effective_on")
        if isinstance(since, str) and since <= month.isoformat():
            latest |= state.facts
    return latest


def _at(day: date, facts: dict[str, Any]) -> dict[str, Any]:
    """With what follows from dates on the reference day."""
    months = {name: _months(facts[name], day) for name in facts if name.endswith(("_date", "_on", "_since"))}
    derived: dict[str, Any] = {
        "age_months": months["birth_date"],
        "age_years": months["birth_date"] // 12,
        "months_since_death": months.get("death_date", -1),
        "party_years": months.get("party_joined_on", 0) // 12,
        "business_running_months": months.get("business_registered_on", 0),
        "public_welfare_job_months": months.get("public_welfare_job_since", 0),
    }
    if "graduated_on" in months:
        derived["graduation_years_ago"] = months["graduated_on"] // 12
    return facts | derived


def _months(since: str, until: date) -> int:
    first = date.fromisoformat(since)
    return (until.year - first.year) * 12 + until.month - first.month - (until.day < first.day)
