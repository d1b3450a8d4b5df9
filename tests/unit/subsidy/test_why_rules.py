"""A tree of conditions comes to what the rule comes to, leaf by leaf in the Rust engine; faults are said as such."""

from collections.abc import Mapping
from typing import Any

import cel
import pytest
from hypothesis import given

from subsidy.expression_rules import parse
from subsidy.why_facts_rules import values as values_of
from subsidy.why_rules import Condition, compute, judge, leaves, source, verdict_of
from tests.unit.subsidy.expressions import conditions, kleene, numbers, some_unknown, values
from tests.unit.subsidy.why_cases import EVERYBODY, condition, examples, facts_of, seventy

WORDS = {True: "true", False: "false", None: "unknown"}


def drawn(tree: Condition) -> str:
    """The tree on one line."""
    if tree.kind == "leaf":
        return f"{source(tree.node)}:{tree.verdict}"
    return f"{tree.kind}:{tree.verdict}({', '.join(map(drawn, tree.parts))})"


@given(conditions, some_unknown)
def test_the_tree_comes_to_what_the_rule_comes_to(text: str, facts: Mapping[str, Any]) -> None:
    root = condition(text).root
    assert verdict_of(root, facts) == WORDS[kleene(root, facts)]


@given(conditions, values)
def test_what_a_leaf_is_written_as_is_read_as_the_same(text: str, facts: Mapping[str, Any]) -> None:
    root = condition(text).root
    assert cel.evaluate(source(root), dict(facts)) is cel.evaluate(text, dict(facts))
    again = condition(source(root)).root
    assert source(again) == source(root)


@given(numbers, some_unknown)
def test_a_number_comes_to_what_the_rule_comes_to(text: str, facts: Mapping[str, Any]) -> None:
    root = parse(text, "int", EVERYBODY).root
    assert compute(root, facts).value == kleene(root, facts)


def test_the_337_examples_come_to_what_they_say() -> None:
    for example in examples():
        compiled, facts = seventy()[example.programme], values_of(facts_of(example))
        assert verdict_of(compiled.eligibility.root, facts) == WORDS[example.eligible], example
        if example.eligible:
            assert compute(compiled.amount.root, facts).value == example.amount_fen


def test_conditions_are_split_as_a_person_reads_them() -> None:
    facts = {"is_alive": True, "hukou_local": None, "age_years": 79, "dibao_household": False}
    tree = judge(condition("is_alive && hukou_local && (age_years >= 80 || !dibao_household)").root, facts)
    assert drawn(tree) == (
        "all:unknown(is_alive:true, hukou_local:unknown,"
        " any:true(age_years >= 80:false, not:true(dibao_household:false)))"
    )
    assert [source(leaf.node) for leaf in leaves(tree)] == [
        "is_alive",
        "hukou_local",
        "age_years >= 80",
        "dibao_household",
    ]


def test_conditions_that_are_compared_are_conditions_of_their_own() -> None:
    tree = judge(
        condition("(is_alive && hukou_local) == dibao_household").root,
        {"is_alive": False, "hukou_local": None, "dibao_household": False},
    )
    assert drawn(tree) == "same:true(all:false(is_alive:false, hukou_local:unknown), dibao_household:false)"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("age_years / disability_level > 1", "fault"),
        ("age_years * age_years * age_years > 1", "fault"),
        ("!(age_years / disability_level > 1)", "fault"),
        ("is_alive && age_years / disability_level > 1", "fault"),
        ("!is_alive && age_years / disability_level > 1", "false"),
        ("is_alive || age_years / disability_level > 1", "true"),
        ("hukou_local && age_years / disability_level > 1", "unknown"),
        ("(age_years / disability_level > 1) == is_alive", "fault"),
        ("(age_years / disability_level > 1) == hukou_local", "unknown"),
    ],
)
def test_a_fault_is_one_only_where_it_would_decide(text: str, verdict: str) -> None:
    facts = {"is_alive": True, "hukou_local": None, "age_years": 2**40, "disability_level": 0}
    assert verdict_of(condition(text).root, facts) == verdict


def test_a_number_that_has_no_value_says_which_fault() -> None:
    facts = {"age_years": 2**40, "disability_level": 0}
    faults = [
        compute(parse(text, "int", EVERYBODY).root, facts).fault
        for text in ("1 / disability_level", "age_years * age_years")
    ]
    assert faults == ["division_by_zero", "number_too_large"]
