"""Expressions mean what they mean in CEL, and whatever cannot be used is refused with its place."""

from typing import Any

import cel
import pytest
from hypothesis import given

from subsidy.expression_rules import (
    DEPTH_MAX,
    LENGTH_MAX,
    NODES_MAX,
    Constant,
    Expression,
    ExpressionFault,
    FactRef,
    parse,
)
from subsidy.vocabulary_rules import BY_NAME, Entity
from tests.unit.subsidy.expressions import conditions, kleene, numbers, render, values

EVERYBODY: tuple[Entity, ...] = ("person", "household", "county")


def condition(text: str, *entities: Entity) -> Expression:
    return parse(text, "bool", entities or EVERYBODY)


def for_cel(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}


@given(conditions, values)
def test_a_condition_is_read_as_cel_reads_it(text: str, facts: dict[str, Any]) -> None:
    root = condition(text).root
    expected = cel.evaluate(text, for_cel(facts))
    assert cel.evaluate(render(root), for_cel(facts)) is expected
    assert kleene(root, facts) is expected  # the oracle of the SQL form, held to CEL itself


@given(numbers, values)
def test_a_number_is_read_as_cel_reads_it(text: str, facts: dict[str, Any]) -> None:
    root = parse(text, "int", EVERYBODY).root
    assert cel.evaluate(render(root), for_cel(facts)) == kleene(root, facts) == cel.evaluate(text, for_cel(facts))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1 - 2 - 3 * 4 / 5", "((1 - 2) - ((3 * 4) / 5))"),
        ("-1 - -2", "((-1) - (-2))"),
    ],
)
def test_numbers_bind_as_in_arithmetic(text: str, read: str) -> None:
    assert render(parse(text, "int", EVERYBODY).root) == read


def test_or_binds_weakest_and_not_strongest() -> None:
    read = "((is_alive && (!hukou_local)) || ((age_years < 3) && is_alive))"
    assert render(condition("is_alive && !hukou_local || age_years < 3 && is_alive").root) == read


def test_the_facts_it_names_are_told_once_each_in_order() -> None:
    found = condition("is_alive && age_years >= 80 && (age_years <= 89 || is_alive)")
    assert [fact.name for fact in found.facts] == ["is_alive", "age_years"]


def test_line_breaks_and_columns_count_as_characters() -> None:
    assert isinstance(condition("\n\tis_alive\r\n").root, FactRef)
    with pytest.raises(ExpressionFault) as refused:
        condition("is_alive &&\n nosuch")
    assert (refused.value.code, refused.value.column) == ("unknown_fact", 14)


def test_the_greatest_number_is_the_greatest_that_cel_knows() -> None:
    assert parse(str(2**63 - 1), "int", EVERYBODY).root == Constant(2**63 - 1, 0)
    with pytest.raises(ExpressionFault, match="at most 9223372036854775807"):
        parse(str(2**63), "int", EVERYBODY)


REFUSED = [
    ("", "operand", 1),
    ("is_alive &&", "operand", 12),
    ("&& is_alive", "operand", 1),
    ("in", "operand", 1),
    ("is_alive hukou_local", "trailing", 10),
    ("is_alive)", "trailing", 9),
    ("(is_alive", "unclosed", 10),
    ('care_dependency in ["full"', "unclosed", 27),
    ('care_dependency in ["full" "self"]', "unclosed", 28),
    ("nosuch && true", "unknown_fact", 1),
    ("age_years == 3 == true", "chained", 16),
    ("1 < age_years < 3", "chained", 15),
    ("age_years", "type", 1),
    ("!age_years", "type", 2),
    ("-is_alive > 1", "type", 2),
    ("is_alive && 1", "type", 13),
    ("is_alive || age_years", "type", 13),
    ('age_years + "a" > 1', "type", 13),
    ('age_years == "3"', "type", 14),
    ("is_alive < true", "type", 1),
    ('care_dependency < "full"', "type", 1),
    ('age_years in [1, "a"]', "type", 18),
    ("is_alive in [true]", "type", 1),
    ("1 in disability_types", "type", 1),
    ("age_years in []", "empty_list", 14),
    ("age_years in age_years", "in", 14),
    ('"a" in "b"', "in", 8),
    ("age_years in [age_months]", "operand", 15),
    ('disability_types == "mental"', "list", 1),
    ('care_dependency == "fulll"', "never", 20),
    ('"fulll" != care_dependency', "never", 1),
    ('care_dependency in ["full", "fulll"]', "never", 29),
    ('"metal" in disability_types', "never", 1),
    ('birth_date == "2020-01-01"', "date", 1),
    ("age_years / 0 > 1", "division_by_zero", 11),
    ("size(disability_types) > 1", "function", 1),
    ("is_alive ? true : false", "character", 10),
    ("age_years % 2 == 0", "character", 11),
    ("person.is_alive", "character", 7),
    ("is_alive; DROP TABLE person", "character", 9),
    ("is_alive -- && hukou_local", "operand", 13),
    ("age_years > 1.5", "number", 13),
    ("age_years > 0x10", "number", 13),
    ("age_years > 3u", "number", 13),
    ("gender == 'male'", "text", 11),
    ('gender == "ma\\"le"', "text", 11),
    ('gender == "male', "text", 11),
    ('gender == "ma\nle"', "text", 11),
    ("is_alive\x00", "character", 9),
    ("年龄 > 3", "character", 1),
]


@pytest.mark.parametrize(("text", "code", "column"), REFUSED)
def test_what_cannot_be_used_is_refused_with_its_place(text: str, code: str, column: int) -> None:
    with pytest.raises(ExpressionFault) as refused:
        condition(text)
    fault = refused.value
    assert (fault.code, fault.column) == (code, column)
    assert fault.message.endswith(".")
    assert fault.message_zh.endswith("。")


def test_an_amount_is_a_number() -> None:
    with pytest.raises(ExpressionFault, match="int is needed"):
        parse("is_alive", "int", EVERYBODY)


def test_a_household_has_no_facts_of_a_person() -> None:
    assert condition("dibao_household", "household").facts == (BY_NAME["dibao_household"],)
    with pytest.raises(ExpressionFault, match="person_facts_of"):
        condition("dibao_household && is_tekun", "household", "county")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("is_alive" + " " * LENGTH_MAX, "too_long"),
        ("(" * (DEPTH_MAX + 1) + "is_alive" + ")" * (DEPTH_MAX + 1), "too_deep"),
        ("!" * (DEPTH_MAX + 1) + "is_alive", "too_deep"),
        (" || ".join(["is_alive"] * (NODES_MAX // 2 + 1)), "too_many_parts"),
        (f"age_years in [{', '.join(['1'] * NODES_MAX)}]", "too_many_parts"),
    ],
)
def test_there_is_a_limit_to_everything(text: str, code: str) -> None:
    with pytest.raises(ExpressionFault) as refused:
        condition(text)
    assert refused.value.code == code


def test_as_much_as_allowed_is_no_fault() -> None:
    deep = condition("(" * DEPTH_MAX + "is_alive" + ")" * DEPTH_MAX)
    wide = condition(" || ".join(["is_alive"] * (NODES_MAX // 2)))
    assert [[fact.name for fact in each.facts] for each in (deep, wide)] == [["is_alive"], ["is_alive"]]
