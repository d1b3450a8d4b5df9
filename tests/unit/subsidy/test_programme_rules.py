"""Programmes: the sample county's seventy pass every check and hold to the 337 examples; what is unfit is named."""

from datetime import date
from typing import Any

import cel
import pytest

from devkit.programmes import sample_examples, sample_programmes
from runtime.problems import Invalid
from subsidy.programme_rules import (
    Computed,
    Example,
    Programme,
    ProgrammesNotLater,
    compile_stored,
    disagreements,
    take_effect,
)

TODAY = date(2026, 1, 1)


def sample(*codes: str) -> list[Programme]:
    """All, or those of these codes."""
    return [Programme.model_validate(each) for each in sample_programmes() if not codes or each["code"] in codes]


def changed(code: str, **members: Any) -> Programme:
    """A sample programme that excludes nothing, changed."""
    return Programme.model_validate(sample(code)[0].model_dump() | {"excludes": []} | members)


def faults_of(*programmes: Programme, examples: list[Example] | None = None) -> list[tuple[str, str]]:
    """Place and code of everything that is unfit."""
    with pytest.raises(Invalid) as refused:
        take_effect(programmes, examples or [], TODAY, None)
    errors = refused.value.details["errors"]
    assert isinstance(errors, list)
    return [(error["pointer"], error["code"]) for error in errors]


def test_the_seventy_pass_every_check() -> None:
    assert len(take_effect(sample(), [], TODAY, None)) == 70
    assert [each.programme for each in compile_stored(sample())] == sample()


@pytest.mark.parametrize("programme", sample_programmes(), ids=lambda each: each["code"])
def test_its_examples_come_to_what_they_say_in_cel(programme: dict[str, Any]) -> None:
    for example in sample_examples():
        if example["programme"] == programme["code"]:
            assert cel.evaluate(programme["eligibility"], example["facts"]) is example["eligible"]
            if example["eligible"]:
                assert cel.evaluate(programme["amount_fen"], example["facts"]) == example["amount_fen"]


def test_there_is_an_example_of_everybody_who_gets_something() -> None:
    assert {each["programme"] for each in sample_examples() if each["eligible"]} == {
        each["code"] for each in sample_programmes()
    }
    assert len(sample_examples()) == 337


def test_a_fault_in_an_expression_is_named_with_its_column() -> None:
    with pytest.raises(Invalid) as refused:
        take_effect([changed("B08", eligibility="is_alive && nosuch > 1")], [], TODAY, None)
    (error,) = refused.value.details["errors"]  # type: ignore[misc]
    assert error["pointer"] == "/programmes/0/eligibility"
    assert (error["code"], error["column"]) == ("unknown_fact", 13)
    assert error["message"].startswith("nosuch is not a fact")


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"eligibility": "true"}, ("/programmes/0/eligibility", "everybody")),
        ({"eligibility": "1 == 1 || false"}, ("/programmes/0/eligibility", "everybody")),
        ({"amount_fen": "is_alive"}, ("/programmes/0/amount_fen", "type")),
        ({"due_months": []}, ("/programmes/0/once_per", "once_per")),
        ({"once_per": "ever"}, ("/programmes/0/once_per", "once_per")),
        ({"due_months": [7, 7]}, ("/programmes/0/due_months", "double")),
        ({"person_facts_of": "head"}, ("/programmes/0/person_facts_of", "whose")),
        ({"due_months": [], "once_per": "deceased"}, ("/programmes/0/person_facts_of", "deceased")),
        ({"excludes": ["B08"]}, ("/programmes/0/excludes", "one_sided")),
        ({"excludes": ["B99"]}, ("/programmes/0/excludes", "one_sided")),
    ],
)
def test_a_misfit_is_named(members: dict[str, Any], fault: tuple[str, str]) -> None:
    assert fault in faults_of(changed("B08", **members))


def test_a_household_has_neither_a_business_nor_a_death_of_its_own() -> None:
    assert ("/programmes/0/once_per", "whose") in faults_of(changed("B48", once_per="business_entity_code"))
    assert ("/programmes/0/person_facts_of", "deceased") in faults_of(changed("B48", once_per="deceased"))
    assert ("/programmes/0/eligibility", "whose") in faults_of(changed("B48", eligibility="is_tekun"))


def test_codes_and_priorities_are_each_programmes_own() -> None:
    faults = faults_of(changed("B08"), changed("B08"))
    assert faults == [(f"/programmes/{at}/{member}", "double") for member in ("code", "priority") for at in (0, 1)]


def test_who_is_excluded_must_exclude_in_turn() -> None:
    one, other = changed("B08", excludes=["B09"]), changed("B09")
    assert faults_of(one, other) == [("/programmes/0/excludes", "one_sided")]
    assert take_effect([one, changed("B09", excludes=["B08"])], [], TODAY, None)


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"nosuch": 1}, "/examples/0/facts/nosuch"),
        ({"age_years": "80"}, "/examples/0/facts/age_years"),
        ({"age_years": True}, "/examples/0/facts/age_years"),
        ({"is_alive": 1}, "/examples/0/facts/is_alive"),
        ({"disability_types": "mental"}, "/examples/0/facts/disability_types"),
    ],
)
def test_an_example_speaks_of_facts_as_they_are(facts: dict[str, Any], pointer: str) -> None:
    example = Example.model_validate({"programme": "B08", "facts": facts, "eligible": False})
    assert faults_of(changed("B08"), examples=[example]) == [(pointer, "fact")]


def test_an_example_of_no_programme_is_named() -> None:
    example = Example.model_validate({"programme": "B09", "facts": {}, "eligible": False})
    assert faults_of(changed("B08"), examples=[example]) == [("/examples/0/programme", "unknown")]


@pytest.mark.parametrize(
    ("came", "differs"),
    [
        (Computed(True, 5_000), False),
        (Computed(True, 5_001), True),
        (Computed(True, None), True),
        (Computed(False, None), True),
        (Computed(None, None), True),
    ],
)
def test_an_example_that_comes_to_something_else_is_named(came: Computed, differs: bool) -> None:
    example = Example.model_validate({"programme": "B08", "facts": {}, "eligible": True, "amount_fen": 5_000})
    assert bool(disagreements([example], [came])) is differs


def test_what_is_unknown_is_no_no() -> None:
    example = Example.model_validate({"programme": "B08", "facts": {}, "eligible": False})
    assert disagreements([example], [Computed(None, None)])
    assert not disagreements([example], [Computed(False, None)])


def test_a_version_takes_effect_no_earlier_than_the_one_before_it() -> None:
    assert take_effect([changed("B08")], [], TODAY, TODAY)
    with pytest.raises(ProgrammesNotLater):
        take_effect([changed("B08")], [], date(2025, 12, 31), TODAY)


def test_a_business_is_one_of_the_facts_that_decide_on_a_start_up() -> None:
    (compiled,) = take_effect([changed("B67")], [], TODAY, None)
    assert "business_entity_code" in [fact.name for fact in compiled.facts]
