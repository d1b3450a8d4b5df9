"""What a version of the programmes must pass: its examples, those of earlier versions, rules that mean something."""

from datetime import date
from typing import Any

import pytest

from devkit.programmes import sample_examples, sample_programmes
from runtime.problems import Invalid
from subsidy.check_rules import EXAMPLES_KEPT_MAX, Checked, Kept, check, name_of
from subsidy.programme_rules import (
    AmountBeyondCap,
    Example,
    Programme,
    ProgrammeFails,
    ProgrammesNotLater,
    cadence_of,
    payee_of,
)

TODAY = date(2026, 1, 1)


def changed(code: str, **members: Any) -> Programme:
    """A sample programme that excludes nothing, changed."""
    sample = next(each for each in sample_programmes() if each["code"] == code)
    return Programme.model_validate(sample | {"excludes": []} | members)


def example(age: int, amount_fen: int | None = None, **members: Any) -> Example:
    """What B08 comes to for somebody of that age; None: nothing."""
    facts = {"is_alive": True, "hukou_local": True, "age_years": age}
    said = {"programme": "B08", "facts": facts, "eligible": amount_fen is not None, "amount_fen": amount_fen}
    return Example.model_validate(said | members)


def checked(*programmes: Programme, examples: tuple[Example, ...] = (), kept: tuple[Kept, ...] = ()) -> Checked:
    return check(programmes, examples, kept, effective_on=TODAY, before=None)


def faults_of(*programmes: Programme, **said: Any) -> list[dict[str, Any]]:
    with pytest.raises(Invalid) as refused:
        checked(*programmes, **said)
    errors = refused.value.details["errors"]
    assert isinstance(errors, list)
    return errors


RULE = {"eligibility": "is_alive && hukou_local && age_years >= 80", "amount_fen": "age_years * 100"}


def test_the_seventy_hold_to_their_examples_and_to_those_kept() -> None:
    programmes = [Programme.model_validate(each) for each in sample_programmes()]
    examples = [Example.model_validate(each) for each in sample_examples()]
    found = check(programmes, examples, [], effective_on=TODAY, before=None)
    assert (len(found.compiled), found.kept, found.warnings) == (70, 0, [])
    again = check(programmes, [], [Kept(each, 1) for each in examples], effective_on=TODAY, before=TODAY)
    assert (again.kept, again.warnings) == (337, [])


@pytest.mark.parametrize(
    ("members", "pointer", "code"),
    [
        ({"eligibility": "is_alive && false"}, "eligibility", "nobody"),
        ({"eligibility": "!(is_alive || true)"}, "eligibility", "nobody"),
        ({"eligibility": "age_years > 3 && 2 > 3"}, "eligibility", "nobody"),
        ({"eligibility": "is_alive || 2 < 3"}, "eligibility", "everybody"),
        ({"amount_fen": "0"}, "amount_fen", "nothing"),
        ({"amount_fen": "3 - 5"}, "amount_fen", "nothing"),
        ({"amount_fen": "5001", "cap_fen": 5_000}, "amount_fen", "amount_beyond_cap"),
        ({"amount_fen": "9223372036854775807 * 2"}, "amount_fen", "number_too_large"),
    ],
)
def test_a_rule_that_is_the_same_whatever_the_facts_is_refused(
    members: dict[str, Any], pointer: str, code: str
) -> None:
    (fault,) = faults_of(changed("B08", **members))
    assert (fault["pointer"], fault["code"]) == (f"/programmes/0/{pointer}", code)
    assert fault["message"]
    assert fault["message_zh"]


@pytest.mark.parametrize("text", [" ", "// nothing", "()"])
def test_an_empty_rule_is_refused(text: str) -> None:
    assert faults_of(changed("B08", eligibility=text))[0]["pointer"] == "/programmes/0/eligibility"


def test_an_amount_at_its_cap_stands() -> None:
    assert checked(changed("B08", amount_fen="5000", cap_fen=5_000)).compiled


def test_a_programme_without_somebody_who_gets_it_is_warned_of() -> None:
    nobody = checked(changed("B08", **RULE), examples=(example(70),))
    assert [(each.pointer, each.code) for each in nobody.warnings] == [("/programmes/0", "no_entitled_example")]
    assert checked(changed("B08", **RULE), examples=(example(80, 8_000),)).warnings == []


def test_a_kept_example_that_comes_to_something_else_is_refused_with_both() -> None:
    kept = Kept(example(80, 8_000, name="eighty"), 3)
    (fault,) = faults_of(changed("B28"), changed("B08", **RULE | {"amount_fen": "age_years * 90"}), kept=(kept,))
    said = {name: fault[name] for name in ("pointer", "code", "example", "version", "expected", "got")}
    assert said == {
        "pointer": "/programmes/1",
        "code": "breaks_example",
        "example": "eighty",
        "version": 3,
        "expected": "eligible=true, amount_fen=8000",
        "got": "eligible=true, amount_fen=7200",
    }
    assert "eighty" in fault["message"]
    assert "eighty" in fault["message_zh"]


def test_an_example_is_replaced_by_name_or_by_the_same_facts() -> None:
    rule = changed("B08", **RULE | {"amount_fen": "age_years * 90"})
    by_name = example(81, 7_290, name="old")
    assert checked(rule, examples=(by_name,), kept=(Kept(example(80, 8_000, name="old"), 1),)).kept == 0
    assert checked(rule, examples=(example(80, 7_200),), kept=(Kept(example(80, 8_000), 1),)).kept == 0
    other = Kept(example(80, 8_000, name="another"), 1)
    assert faults_of(rule, examples=(by_name,), kept=(other,))[0]["code"] == "breaks_example"


def test_an_unnamed_example_is_called_after_its_facts() -> None:
    backwards = example(80).model_copy(update={"facts": dict(reversed(example(80).facts.items()))})
    assert name_of(example(80)) == name_of(backwards) == name_of(example(80, 8_000))
    assert name_of(example(80)) != name_of(example(81))
    assert name_of(example(80, name="eighty")) == "eighty"


def test_examples_of_a_programme_that_is_gone_say_nothing() -> None:
    assert checked(changed("B28"), kept=(Kept(example(80, 1), 1),)).kept == 0


def test_two_examples_of_one_name_are_refused_and_one_said_twice_is_not() -> None:
    rule = changed("B08", **RULE)
    assert checked(rule, examples=(example(80, 8_000), example(80, 8_000)))
    (fault,) = faults_of(rule, examples=(example(80, 8_000, name="x"), example(81, 8_100, name="x")))
    assert (fault["pointer"], fault["code"]) == ("/examples/1/name", "double")


def test_examples_are_limited() -> None:
    kept = tuple(Kept(example(80, 8_000, name=f"{number}"), 1) for number in range(EXAMPLES_KEPT_MAX + 1))
    assert faults_of(changed("B08", **RULE), kept=kept)[0]["code"] == "too_many"


@pytest.mark.parametrize(
    ("members", "refusal", "reason"),
    [
        ({"amount_fen": "age_years / (age_years - 80)"}, ProgrammeFails, "division_by_zero"),
        ({"amount_fen": "age_years * 900000000000000000"}, ProgrammeFails, "number_too_large"),
        ({"amount_fen": "79 - age_years"}, ProgrammeFails, "amount_out_of_range"),
        ({"amount_fen": "age_years * 100", "cap_fen": 7_999}, AmountBeyondCap, "amount_beyond_cap"),
    ],
)
def test_an_example_shows_that_a_rule_cannot_be_paid(
    members: dict[str, Any], refusal: type[ProgrammeFails], reason: str
) -> None:
    with pytest.raises(refusal) as refused:
        checked(changed("B08", **RULE | members), examples=(example(80, 8_000),))
    assert (refused.value.details["programme"], refused.value.details["reason"]) == ("B08", reason)


def test_a_version_that_begins_before_the_one_before_it_is_refused() -> None:
    with pytest.raises(ProgrammesNotLater):
        check([changed("B08")], [], [], effective_on=TODAY, before=date(2026, 1, 2))


def test_cadence_and_payee_follow_from_a_programme() -> None:
    months = {"monthly": range(1, 13), "quarterly": (3, 6, 9, 12), "half_yearly": (4, 10), "yearly": (7,)}
    for cadence, due in months.items():
        assert cadence_of(changed("B08", due_months=list(due))) == cadence
    assert cadence_of(changed("B08", due_months=[1, 2, 3])) == "in_months"
    assert cadence_of(changed("B07")) == "one_off"
    assert (payee_of(changed("B08")), payee_of(changed("B07"))) == ("person_or_guardian", "household_head")
