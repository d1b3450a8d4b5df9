"""The county makes its people and registers: `people_of_anji`, the same for the same seed."""

from collections import Counter
from datetime import date
from random import Random
from typing import Final

from devkit.records.households import HouseholdMaker
from devkit.records.land_registers import enter_farms, enter_forests, enter_houses, enter_land
from devkit.records.people import ANJI, Population, State
from devkit.records.population_registers import (
    enter_deaths,
    enter_insurance,
    enter_payroll_and_sentences,
    enter_population,
    enter_schools,
    enter_work,
)
from devkit.records.registrar import Registrar
from devkit.records.service_registers import enter_conscripts, enter_party, enter_veterans, enter_village_cadres
from devkit.records.welfare_registers import (
    enter_assistance,
    enter_care,
    enter_children,
    enter_disability,
    enter_families,
    enter_health,
    enter_poverty,
    enter_sudden_hardship,
)
from qingdan.records_events import FactValue

PEOPLE: Final = 20_000
AS_OF: Final = date(2025, 11, 30)
SEED: Final = 20_210_811

PARAMETERS: Final[tuple[tuple[str, str, FactValue, str], ...]] = (
    ("employment", "local_min_wage_fen_month", 201_000, "2024-01-01"),
    ("employment", "local_min_wage_fen_month", 218_000, "2026-01-01"),
    ("social_assistance", "local_dibao_line_fen_month", 116_600, "2025-07-01"),
    ("social_assistance", "local_dibao_line_fen_month", 121_000, "2026-07-01"),
    ("price_monitor", "price_linkage_triggered", True, "2025-11-01"),
)
"""Register, parameter, value, first day of its effect: modelled, as all of the county's standards here."""

# In this order: later registers look at what earlier ones say.
_REGISTERS: Final = (
    enter_assistance,
    enter_poverty,
    enter_children,
    enter_schools,
    enter_work,
    enter_insurance,
    enter_payroll_and_sentences,
    enter_disability,
    enter_care,
    enter_families,
    enter_health,
    enter_sudden_hardship,
    enter_veterans,
    enter_conscripts,
    enter_party,
    enter_village_cadres,
    enter_land,
    enter_farms,
    enter_forests,
    enter_houses,
    enter_deaths,
    enter_population,
)


def people_of_anji(size: int = PEOPLE, *, seed: int = SEED, as_of: date = AS_OF) -> Population:
    """`size` synthetic people in households, and their registers. From December 2025 to November 2026 every programme
    has somebody who is entitled to it in each month in which it is due.

    Raises TooFewPeople for populations in which somebody rare is missing; 3,000 are enough.
    """
    rng = Random(seed)
    households = tuple(HouseholdMaker(rng, as_of).households(size))
    people = tuple(person for household in households for person in household.members)
    book = Registrar(rng, as_of, people, households)
    for enter in _REGISTERS:
        enter(book)
    states = book.states()
    return Population(as_of, people, households, states, _county(states))


def _county(states: tuple[State, ...]) -> tuple[State, ...]:
    """Every register is complete: the county says how many subjects each has, with its parameters where it has some."""
    rows = Counter(state.register for state in states)
    subject = f"c:{ANJI}"
    told = [
        State(subject, register, {name: value, "effective_on": since, "register_subjects": rows[register]})
        for register, name, value, since in PARAMETERS
    ]
    with_parameters = {register for register, *_ in PARAMETERS}
    told += [
        State(subject, register, {"register_subjects": subjects})
        for register, subjects in sorted(rows.items())
        if register not in with_parameters
    ]
    return tuple(told)
