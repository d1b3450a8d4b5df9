"""Twenty thousand people through a whole year: every programme has somebody in every month in which it is due."""

from collections.abc import Mapping
from datetime import date
from functools import cache

import pytest

from devkit.records.county import PEOPLE, people_of_anji
from devkit.records.people import Population, age
from tests.unit.devkit.entitlements import Entitled, entitled, programmes

YEAR = (date(2025, 12, 1), *(date(2026, month, 1) for month in range(1, 12)))
JUNE = 6
AT_LEAST = 3


@cache
def everybody() -> Population:
    return people_of_anji()


@cache
def entitled_in(month: date) -> Mapping[str, list[Entitled]]:
    return entitled(everybody(), month)


@pytest.mark.parametrize("month", YEAR, ids=str)
def test_every_programme_has_somebody_whenever_it_is_due(month: date) -> None:
    due = [programme.code for programme in programmes() if month.month in programme.months]
    assert {code: len(entitled_in(month)[code]) for code in due if len(entitled_in(month)[code]) < AT_LEAST} == {}
    assert len(programmes()) == 70


@pytest.mark.parametrize("month", YEAR, ids=str)
def test_an_ordinary_month_has_some_thousand_payments(month: date) -> None:
    """What happens once is left out: it is paid in the first run, and never again."""
    once = {programme.code for programme in programmes() if programme.once}
    payments = sum(len(those) for code, those in entitled_in(month).items() if code not in once)
    assert 2_500 < payments < (8_000 if month.month == JUNE else 5_200)


def test_ages_and_needs_are_those_of_a_county() -> None:
    people = everybody().people
    assert len(people) == PEOPLE
    old = sum(age(person.born, everybody().as_of) >= 80 for person in people)
    assert 0.035 < old / PEOPLE < 0.06
    assisted = set(everybody().with_state("social_assistance", lambda facts: facts.get("dibao_household")))
    in_them = sum(len(home.members) for home in everybody().households if home.subject in assisted)
    assert 0.02 < in_them / PEOPLE < 0.04


def test_the_registers_are_of_the_volume_that_was_meant() -> None:
    rows = everybody().rows_by_register()
    assert 60_000 < rows.total() < 80_000
    assert rows["pop_registry"] == PEOPLE + len(everybody().households)
