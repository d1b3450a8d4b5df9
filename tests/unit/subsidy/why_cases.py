"""Cases for explanations: facts of made-up people as the explanation takes them, with dates behind what counts time."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from devkit.programmes import sample_examples, sample_programmes
from subsidy.expression_rules import Expression, parse
from subsidy.programme_rules import Compiled, Example, Programme, compile_stored
from subsidy.vocabulary_rules import BY_NAME
from subsidy.why_facts_rules import KnownFact, Origin, Told, counted, owed_by

REFERENCE_ON: Final = date(2026, 7, 1)
SOMEBODY: Final = UUID(int=7)
TOLD: Final = Told("a_system", datetime(2026, 6, 1, tzinfo=UTC))
EVERYBODY: Final = ("person", "household", "county")


def date_of(name: str, passed: int) -> date:
    """A date since which exactly so much time has passed, as the fact of that name counts."""
    months = passed * 12 if counted(date(2020, 7, 1), REFERENCE_ON, name) == 6 else passed
    since = REFERENCE_ON.year * 12 + REFERENCE_ON.month - 1 - months
    return date(since // 12, since % 12 + 1, 1)


def known(name: str, value: Any) -> KnownFact:
    """A fact with that value, recorded; what counts time has a date behind it."""
    definition = BY_NAME[name]
    register, department = owed_by(definition)
    if value is None:
        return KnownFact(definition, None, "nowhere", register, department, SOMEBODY, TOLD, gap="no_value")
    since = date_of(name, value) if definition.derived_from in BY_NAME and 0 <= value < 1_800 else None
    origin: Origin = "derived" if since else "own_payments" if definition.derived_from else "recorded"
    value = tuple(value) if isinstance(value, list) else value
    return KnownFact(definition, value, origin, register, department, SOMEBODY, TOLD, since=since)


def known_facts(values: Mapping[str, Any]) -> dict[str, KnownFact]:
    """The same of each."""
    return {name: known(name, value) for name, value in values.items()}


def condition(text: str) -> Expression:
    return parse(text, "bool", EVERYBODY)


@cache
def seventy() -> Mapping[str, Compiled]:
    """The sample programmes by code."""
    compiled = compile_stored([Programme.model_validate(each) for each in sample_programmes()])
    return {each.programme.code: each for each in compiled}


@cache
def examples() -> tuple[Example, ...]:
    """The 337."""
    return tuple(Example.model_validate(each) for each in sample_examples())


def facts_of(example: Example) -> dict[str, KnownFact]:
    """The example's facts; what it leaves out is unknown."""
    compiled = seventy()[example.programme]
    return known_facts({fact.name: example.facts.get(fact.name) for fact in compiled.facts})
