"""The facts that registers hold: which register has which facts about whom, and what a blank row of it says."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from qingdan.records_events import FactValue

FILE: Final = Path(__file__).parents[1] / "data" / "facts.csv"
_BLANK: Final[Mapping[str, FactValue]] = {"bool": False, "int": 0, "string": "none", "list": ()}


@cache
def blank_row(register: str, entity: str) -> Mapping[str, FactValue]:
    """All facts of a register about a person, household or county, none of them true; dates are not in it.

    Raises KeyError for a register that has no facts about such a subject.
    """
    return MappingProxyType({name: _BLANK[kind] for name, kind in _facts(register, entity) if kind != "date"})


@cache
def fact_names(register: str, entity: str) -> frozenset[str]:
    """What a row of the register may hold, its dates included. Raises KeyError as `blank_row` does."""
    return frozenset(name for name, _ in _facts(register, entity))


def _facts(register: str, entity: str) -> tuple[tuple[str, str], ...]:
    return _registers()[register, entity]


@cache
def _registers() -> Mapping[tuple[str, str], tuple[tuple[str, str], ...]]:
    """Name and type of what is sent: identities never are, and what is derived is sent as what it comes from."""
    found: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
    with FILE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["identity"] == "true" or row["derived_from"]:
                continue
            key = row["source_system"], row["entity"]
            found[key] = (*found.get(key, ()), (row["name"], row["type"]))
    return found
