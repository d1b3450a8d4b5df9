"""The vocabulary says what the sample county's list of facts says, and decides what no row means."""

import csv
from pathlib import Path

import devkit
from subsidy.vocabulary_rules import BY_NAME, FACTS, IDENTITY_FACTS, RECORDED, REGISTERS, FactDefinition


def listed() -> list[dict[str, str]]:
    """The rows of the sample county's facts.csv."""
    with (Path(devkit.__file__).parent / "data" / "facts.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_it_has_every_fact_of_the_list_but_those_that_identify() -> None:
    said = {
        (row["name"], row["entity"], row["type"], row["source_system"], row["source_department"], row["derived_from"])
        for row in listed()
        if row["identity"] == "false"
    }
    known = {(fact.name, fact.entity, fact.type, fact.register, fact.department, fact.derived_from) for fact in FACTS}
    assert known == said
    assert {row["name"] for row in listed() if row["identity"] == "true"} == IDENTITY_FACTS
    assert len(listed()) == 150


def test_units_and_possible_values_are_those_of_the_list() -> None:
    for row in listed():
        if row["identity"] == "false":
            fact = BY_NAME[row["name"]]
            assert row["unit"] == ("/".join(fact.values) or fact.unit)


def test_no_fact_has_the_name_of_another() -> None:
    assert len(BY_NAME) == len(FACTS)


def test_each_register_has_one_department() -> None:
    assert {(fact.register, fact.department) for fact in FACTS} == set(REGISTERS.items())


def test_what_comes_in_and_what_is_derived_are_apart() -> None:
    incoming = {name for facts in RECORDED.values() for name in facts}
    derived = {fact.name for fact in FACTS if fact.derived_from}
    assert incoming.isdisjoint(derived)
    assert incoming | derived == BY_NAME.keys()


def fits(fact: FactDefinition) -> bool:
    """Whether what no row means is unknown, or the nothing of the fact's type."""
    nothing = {"bool": False, "int": 0, "string": "none", "list": (), "date": None}[fact.type]
    return fact.absent is None or (fact.absent == nothing and type(fact.absent) is type(nothing))


def test_what_no_row_means_is_nothing_of_the_facts_type() -> None:
    assert [fact.name for fact in FACTS if not fits(fact)] == ["graduation_years_ago"]
    assert BY_NAME["graduation_years_ago"].absent == -1  # never graduated is not graduated this year


def test_what_describes_everybody_is_unknown_without_a_row() -> None:
    everybodys = [fact for fact in FACTS if fact.entity == "county" or fact.register == "pop_registry"]
    everybodys += [fact for fact in FACTS if "income" in fact.name and fact.type == "int"]
    assert [fact.name for fact in everybodys if fact.absent is not None] == []
    assert len(everybodys) > 15
