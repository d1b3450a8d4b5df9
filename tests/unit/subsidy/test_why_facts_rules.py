"""The facts of a case are the run's: what is absent, what time makes of dates, what we paid, and why one is unknown."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subsidy import column_rules
from subsidy.column_rules import Column
from subsidy.vocabulary_rules import BY_NAME, FACTS
from subsidy.why_facts_rules import (
    Ground,
    KnownFact,
    Paid,
    ParameterInForce,
    Subject,
    Told,
    at,
    counted,
    facts_of,
    month_when,
    owed_by,
)

WHEN = datetime(2026, 6, 1, tzinfo=UTC)
ON = date(2026, 7, 1)
COMPLETE = frozenset({"disability", "social_assistance", "residence_permit"})
EMPTY = {fact.name: None for fact in FACTS}


def subject(who: int = 1, *registers: str, **facts: Any) -> Subject:
    return Subject(UUID(int=who), EMPTY | facts, {register: Told(f"{register}_system", WHEN) for register in registers})


def fact(
    name: str, person: Subject | None, home: Subject | None = None, *, paid: Paid | None = None, **parameters: Any
) -> KnownFact:
    in_force = {
        each: ParameterInForce(value, date(2026, 1, 1), Told("social_assistance", WHEN))
        for each, value in parameters.items()
    }
    return facts_of([BY_NAME[name]], person, home, Ground(ON, COMPLETE, in_force), paid or Paid())[name]


def short(known: KnownFact) -> tuple[Any, str, str | None]:
    return known.value, known.origin, known.gap


def test_what_was_recorded_names_who_told_it_and_when() -> None:
    known = fact("disability_level", subject(1, "disability", disability_level=2))
    assert short(known) == (2, "recorded", None)
    assert known.told == Told("disability_system", WHEN)
    assert (known.register, known.department, known.subject) == ("disability", "CLH", UUID(int=1))


@pytest.mark.parametrize(
    ("name", "person", "found"),
    [
        ("disability_level", subject(), (0, "no_row", None)),
        ("disability_types", subject(), ((), "no_row", None)),
        ("disability_level", subject(1, "disability"), (None, "nowhere", "no_value")),
        ("is_orphan", subject(), (None, "nowhere", "no_row")),  # its register is not complete
        ("is_alive", subject(), (None, "nowhere", "no_row")),  # no row never means anything of the population register
        ("disability_level", None, (None, "nowhere", "no_subject")),
        ("residence_months", subject(), (0, "no_row", None)),
        ("residence_months", subject(1, "residence_permit"), (None, "nowhere", "no_date")),
        ("age_years", subject(1, "pop_registry", birth_date=date(1946, 7, 1)), (80, "derived", None)),
        ("age_years", subject(1, "pop_registry", birth_date=date(1946, 7, 2)), (79, "derived", None)),
        ("age_months", subject(1, "pop_registry"), (None, "nowhere", "no_date")),
        ("months_since_death", subject(is_alive=True), (-1, "derived", None)),
        ("months_since_death", subject(), (None, "nowhere", "no_value")),
        ("months_since_death", subject(is_alive=False), (None, "nowhere", "no_row")),
        ("months_since_death", subject(is_alive=False, death_date=date(2026, 3, 31)), (3, "derived", None)),
    ],
)
def test_a_persons_facts(name: str, person: Subject | None, found: tuple[Any, str, str | None]) -> None:
    assert short(fact(name, person)) == found


def test_what_is_counted_from_a_date_is_owed_by_who_keeps_the_date() -> None:
    assert owed_by(BY_NAME["months_since_death"]) == ("death_cause", "WJJ")
    assert owed_by(BY_NAME["age_years"]) == ("pop_registry", "GAJ")


@pytest.mark.parametrize(
    ("name", "person", "home", "found"),
    [
        ("dibao_paid_per_capita_fen_month", subject(), subject(2, household_size=3), (26_666, "own_payments", None)),
        ("dibao_paid_per_capita_fen_month", subject(), subject(2), (None, "nowhere", "no_value")),
        ("dibao_paid_per_capita_fen_month", subject(), subject(2, household_size=0), (None, "nowhere", "no_value")),
        ("dibao_paid_per_capita_fen_month", subject(), None, (0, "own_payments", None)),
        ("dibao_paid_per_capita_fen_month", None, subject(2, household_size=3), (None, "nowhere", "no_subject")),
        ("hardship_disability_paid_fen_month", subject(), None, (50_000, "own_payments", None)),
        ("temporary_aid_count_year", subject(), subject(2), (1, "own_payments", None)),
        ("migrant_support_years_used", subject(), None, (19, "own_payments", None)),
    ],
)
def test_what_we_paid_before(
    name: str, person: Subject | None, home: Subject | None, found: tuple[Any, str, str | None]
) -> None:
    paid = Paid(80_000 if home is not None else 0, 50_000, 1, 19)
    assert short(fact(name, person, home, paid=paid)) == found


def test_nothing_paid_is_nothing_even_of_a_household_of_unknown_size() -> None:
    assert short(fact("dibao_paid_per_capita_fen_month", subject(), subject(2))) == (0, "own_payments", None)


def test_a_parameter_says_since_when_it_holds() -> None:
    known = fact("local_dibao_line_fen_month", None, local_dibao_line_fen_month=116_600)
    assert (short(known), known.effective_on) == ((116_600, "parameter", None), date(2026, 1, 1))
    assert short(fact("local_dibao_line_fen_month", None)) == (None, "nowhere", "no_parameter")
    unset = fact("local_dibao_line_fen_month", None, local_dibao_line_fen_month=None)
    assert short(unset) == (None, "nowhere", "no_parameter")


TIMED = [fact.name for fact in FACTS if fact.derived_from in BY_NAME]
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@given(st.sampled_from(TIMED), DAYS, DAYS)
def test_time_is_counted_as_the_run_counts_it(name: str, since: date, on: date) -> None:
    days = Column(np.array([(since - date(1970, 1, 1)).days]))
    assert counted(since, on, name) == column_rules.counted(days, on, name).values[0]


@given(st.sampled_from(TIMED), DAYS, st.integers(0, 100))
def test_the_month_in_which_a_number_is_reached_is_the_first_one(name: str, since: date, many: int) -> None:
    month = month_when(since, name, many)
    before = date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)
    assert counted(since, month, name) >= many
    assert counted(since, before, name) < many or (many == 0 and before < since)


def test_on_another_day_only_what_counts_time_is_otherwise() -> None:
    person = subject(1, "pop_registry", birth_date=date(1946, 10, 15), is_alive=True)
    facts = facts_of([BY_NAME["age_years"], BY_NAME["is_alive"]], person, None, Ground(ON, COMPLETE, {}), Paid())
    later = at(facts, date(2026, 11, 1))
    assert {name: (facts[name].value, later[name].value) for name in facts} == {
        "age_years": (79, 80),
        "is_alive": (True, True),
    }
