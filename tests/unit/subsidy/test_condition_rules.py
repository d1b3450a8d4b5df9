"""Rules over columns come to what CEL comes to for each one, stay unknown only where they must, and hide no fault."""

from collections.abc import Mapping, Sequence
from typing import Any

import cel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devkit.programmes import sample_examples, sample_programmes
from subsidy.column_rules import Column
from subsidy.condition_rules import number, reason_of, truth
from subsidy.example_rules import compute_examples
from subsidy.expression_rules import Type, parse
from subsidy.programme_rules import Compiled, Example, Programme, ProgrammeFails
from subsidy.vocabulary_rules import BY_NAME
from tests.unit.subsidy.expressions import conditions, kleene, some_unknown, values
from tests.unit.subsidy.expressions import numbers as whole_numbers

EVERYBODY = ("person", "household", "county")
LARGE = 2**62
FAULT = "fault"

many = settings(max_examples=250, deadline=None)
crowd = st.lists(some_unknown, min_size=1, max_size=9)


def columns_of(people: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """A column for each fact; a place for each of these people."""
    return {name: _column(name, [facts[name] for facts in people]) for name in people[0]}


def _column(name: str, said: list[Any]) -> Column:
    fact, known = BY_NAME[name], np.array([value is not None for value in said])
    match fact.type:
        case "bool":
            return Column.truths(np.array([bool(value) for value in said]), known)
        case "int":
            return Column.numbers(np.array([value or 0 for value in said], np.int64), known)
        case "list":
            bits = [sum(1 << fact.values.index(word) for word in value or ()) for value in said]
            return Column.texts(np.array(bits, np.int64), known, fact.values)
        case _:
            vocabulary = tuple(dict.fromkeys((*fact.values, *(value or "" for value in said))))
            return Column.texts(np.array([vocabulary.index(value or "") for value in said]), known, vocabulary)


def comes_to(text: str, people: Sequence[Mapping[str, Any]]) -> list[object]:
    """True, False, None for unknown, or FAULT, for each of these people."""
    it = truth(parse(text, "bool", EVERYBODY).root, columns_of(people))
    shape = (len(people),)
    fault = np.zeros(shape, bool) if it.fault is None else np.broadcast_to(it.fault, shape)
    yes, no = np.broadcast_to(it.yes, shape), np.broadcast_to(it.no, shape)
    assert not (yes & no).any()
    assert not (fault & (yes | no)).any()
    return [FAULT if f else True if y else False if n else None for y, n, f in zip(yes, no, fault, strict=True)]


@many
@given(text=conditions, people=crowd)
def test_a_condition_comes_to_the_same_for_each_of_many(text: str, people: list[dict[str, Any]]) -> None:
    root = parse(text, "bool", EVERYBODY).root
    assert comes_to(text, people) == [kleene(root, facts) for facts in people]


@many
@given(text=whole_numbers, people=crowd)
def test_a_number_comes_to_the_same_for_each_of_many(text: str, people: list[dict[str, Any]]) -> None:
    root = parse(text, "int", EVERYBODY).root
    it = number(root, columns_of(people))
    known = np.broadcast_to(True if it.known is None else it.known, (len(people),))
    came = [
        int(value) if there else None
        for value, there in zip(np.broadcast_to(it.values, known.shape), known, strict=True)
    ]
    assert came == [kleene(root, facts) for facts in people]
    assert all(it.lowest <= value <= it.highest for value in came if value is not None)


_wild_number = st.sampled_from(["age_years", "disability_level", "household_size", "3", "0 - 2", str(LARGE)])
_wild_sum = st.builds("({} {} {})".format, _wild_number, st.sampled_from("+-*/"), _wild_number)
_wild_deep = st.builds("({} {} {})".format, _wild_sum, st.sampled_from("+-*/"), _wild_number | _wild_sum)
_wild_atom = st.builds(
    "({} {} {})".format, _wild_deep | _wild_sum, st.sampled_from(["<", ">=", "==", "!="]), _wild_number
) | st.sampled_from(["is_alive", "hukou_local", "!is_alive"])
_wild = st.recursive(
    _wild_atom,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||", "==", "!="]), inner)
        | st.builds("!({})".format, inner)
    ),
    max_leaves=5,
)
_wild_values = st.fixed_dictionaries(
    {
        **{name: st.sampled_from([-LARGE, -3, -1, 0, 1, 7, LARGE]) for name in ("age_years", "disability_level")},
        "household_size": st.integers(-2, 2),
        "is_alive": st.booleans(),
        "hukou_local": st.booleans(),
    }
)


def _by_cel(text: str, facts: Mapping[str, Any]) -> object:
    try:
        return cel.evaluate(text, {name: value for name, value in facts.items() if value is not None})
    except (ZeroDivisionError, OverflowError):
        return FAULT
    except RuntimeError:
        return None


def _parsed_as_is(text: str) -> bool:
    """`/ 0` written out is refused when it is parsed."""
    try:
        parse(text, "bool", EVERYBODY)
    except ValueError:
        return False
    return True


@many
@given(text=_wild.filter(_parsed_as_is), people=st.lists(_wild_values, min_size=1, max_size=6))
def test_faults_are_where_cel_has_them(text: str, people: list[dict[str, Any]]) -> None:
    assert comes_to(text, people) == [_by_cel(text, facts) for facts in people]


def test_what_wrapped_around_to_the_lowest_number_is_divided_in_silence() -> None:
    """-2**63 has no opposite: what is too large already lies there, and the division must not mind."""
    text, someone = "(age_years + 4611686018427387904) / -1 == 0", {"age_years": 4611686018427387904}
    assert comes_to(text, [someone]) == [_by_cel(text, someone)] == [FAULT]


@many
@given(text=_wild.filter(_parsed_as_is), facts=_wild_values, gone=st.sets(st.sampled_from(["age_years", "is_alive"])))
def test_beside_what_is_unknown_a_fault_decides_nothing(text: str, facts: dict[str, Any], gone: set[str]) -> None:
    some = {name: None if name in gone else value for name, value in facts.items()}
    expected = _by_cel(text, some)
    assert comes_to(text, [some])[0] in ((None, FAULT) if expected in (None, FAULT) else (expected,))


@pytest.mark.parametrize(("left", "right"), [(7, 2), (-7, 2), (7, -2), (-7, -2), (1, 3), (-1, 3)])
def test_division_truncates_towards_zero_as_in_cel(left: int, right: int) -> None:
    facts = {"age_years": left, "disability_level": right}
    it = number(parse("age_years / disability_level", "int", EVERYBODY).root, columns_of([facts]))
    assert it.values[0] == cel.evaluate("age_years / disability_level", facts)


def test_the_smallest_number_has_no_opposite() -> None:
    facts = {"age_years": -(2**63), "disability_level": -1}
    columns = columns_of([facts])
    for text in ("age_years / disability_level", "-age_years", "age_years * disability_level"):
        root = parse(text, "int", EVERYBODY).root
        assert number(root, columns).too_large is not None
        assert reason_of(root, columns) == "number_too_large"


@given(facts=values, text=st.sampled_from(["'", "''; DROP TABLE person; --", "$1", "%s", "{0}"]))
def test_a_text_is_only_a_text(facts: dict[str, Any], text: str) -> None:
    someone = {**facts, "business_entity_code": text}
    assert comes_to(f'business_entity_code == "{text}"', [someone]) == [True]
    assert comes_to('business_entity_code == "x"', [someone]) == [False]
    assert comes_to(f'business_entity_code in ["x", "{text}"]', [someone]) == [True]
    assert comes_to("business_entity_code == hukou_village_code", [{**someone, "hukou_village_code": text}]) == [True]


# -- programmes --------------------------------------------------------------------------------------------------------


def _compiled(code: str, eligibility: str | None = None, amount_fen: str | None = None) -> Compiled:
    sample = next(Programme.model_validate(each) for each in sample_programmes() if each["code"] == code)
    return Compiled(
        sample, _parsed(eligibility or sample.eligibility, "bool"), _parsed(amount_fen or sample.amount_fen, "int")
    )


def _parsed(text: str, wanted: Type) -> Any:
    return parse(text, wanted, EVERYBODY)


def test_the_337_examples_come_to_what_they_say() -> None:
    examples = [Example.model_validate(each) for each in sample_examples()]
    came = compute_examples({each.programme: _compiled(each.programme) for each in examples}, examples)
    assert [each.eligible for each in came] == [each.eligible for each in examples]
    assert [each.amount_fen for each in came] == [each.amount_fen for each in examples]
    assert len(came) == 337


@pytest.mark.parametrize(
    ("eligibility", "amount", "reason"),
    [
        ("is_alive", "age_years / disability_level", "division_by_zero"),
        ("is_alive", "age_years * age_years * age_years", "number_too_large"),
        ("1 / disability_level > 0", "1", "division_by_zero"),
        ("age_years * age_years * age_years > 0", "1", "number_too_large"),
    ],
)
def test_what_cannot_be_computed_names_its_programme(eligibility: str, amount: str, reason: str) -> None:
    facts = {"is_alive": True, "age_years": 2**53 - 1, "disability_level": 0}
    example = Example(programme="B08", facts=facts, eligible=True)
    with pytest.raises(ProgrammeFails) as refused:
        compute_examples({"B08": _compiled("B08", eligibility, amount)}, [example])
    assert refused.value.details == {"programme": "B08", "reason": reason}
