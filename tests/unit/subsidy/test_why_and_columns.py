"""One rule, two forms that agree: what the Rust engine tells of a person is what the columns compute of everybody."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qingdan.money import FEN_MAX
from subsidy.example_rules import compute_examples
from subsidy.expression_rules import parse
from subsidy.programme_rules import Compiled, Example, ProgrammeFails
from subsidy.why_view_rules import Case, decide
from tests.unit.subsidy.expressions import conditions, numbers, some_unknown
from tests.unit.subsidy.why_cases import EVERYBODY, condition, examples, known_facts, seventy


def by_columns(compiled: Compiled, facts: Mapping[str, Any]) -> tuple[str, int | None]:
    """The outcome and the amount as a run computes them."""
    known = {name: value for name, value in facts.items() if value is not None}
    example = Example.model_construct(programme="B08", facts=known, eligible=True)
    try:
        (came,) = compute_examples({"B08": compiled}, [example])
    except ProgrammeFails:
        return "cannot_be_computed", None
    if came.eligible is False:
        return "not_entitled", None
    if came.eligible is None or came.amount_fen is None:
        return "undetermined", None
    if not 0 <= came.amount_fen <= FEN_MAX:
        return "cannot_be_computed", None  # a run refuses such an amount when it has computed everybody
    return ("entitled" if came.amount_fen else "nothing_to_pay"), came.amount_fen


def by_leaves(compiled: Compiled, facts: Mapping[str, Any]) -> tuple[str, int | None]:
    """The same as an explanation tells it."""
    named = {fact.name: facts.get(fact.name) for fact in compiled.facts}
    decided = decide(compiled, Case(known_facts(named)))
    paid = decided.outcome in ("entitled", "nothing_to_pay")
    return decided.outcome, decided.amount.value if paid else None


@settings(max_examples=400, deadline=None)
@given(conditions, numbers, some_unknown)
def test_generated_rules_come_to_the_same(eligibility: str, amount: str, facts: Mapping[str, Any]) -> None:
    rule = Compiled(seventy()["B08"].programme, condition(eligibility), parse(amount, "int", EVERYBODY))
    assert by_leaves(rule, facts) == by_columns(rule, facts)


@settings(max_examples=200, deadline=None)
@given(conditions, st.sampled_from(["<", ">=", "=="]), some_unknown)
def test_rules_that_divide_by_what_may_be_nothing_come_to_the_same(
    text: str, sign: str, facts: Mapping[str, Any]
) -> None:
    eligibility = f"({text}) && household_size / disability_level {sign} 1"
    amount = "age_years * 1000 / disability_level"
    rule = Compiled(seventy()["B08"].programme, condition(eligibility), parse(amount, "int", EVERYBODY))
    assert by_leaves(rule, facts) == by_columns(rule, facts)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(examples()), st.data())
def test_the_seventy_come_to_the_same_whatever_is_missing(example: Example, data: st.DataObject) -> None:
    unknown = data.draw(st.sets(st.sampled_from(sorted(example.facts)), max_size=2))
    rule = seventy()[example.programme]
    facts = {name: value for name, value in example.facts.items() if name not in unknown}
    facts |= {"business_entity_code": "91330523MA00000001"}  # what it is paid once for is no part of an example
    assert by_leaves(rule, facts) == by_columns(rule, facts)
