"""What would change a verdict does change it, and nothing in it is needless."""

from collections.abc import Mapping
from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import given, settings

from subsidy.why_change_rules import ChangeSet, Wanted, applied, changes_to
from subsidy.why_facts_rules import KnownFact
from subsidy.why_rules import verdict_of
from tests.unit.subsidy.expressions import conditions, some_unknown
from tests.unit.subsidy.why_cases import REFERENCE_ON, condition, examples, facts_of, known_facts, seventy


def told(sets: list[ChangeSet]) -> list[str]:
    """Each set on one line."""
    return [
        " + ".join(
            f"{c.fact.name} {c.now}→{c.then} {c.kind}{f' {c.from_month:%Y-%m}' if c.from_month else ''}"
            for c in each.changes
        )
        for each in sets
    ]


def would_change(text: str, facts: Mapping[str, Any], wanted: Any = "true") -> list[str]:
    return told(changes_to(wanted, condition(text).root, known_facts(facts), REFERENCE_ON))


@settings(deadline=None, max_examples=300)
@given(conditions, some_unknown)
def test_every_set_that_is_told_changes_the_verdict_and_none_is_needless(text: str, values: Mapping[str, Any]) -> None:
    root, facts = condition(text).root, known_facts(values)
    for wanted in get_args(Wanted):
        found = changes_to(wanted, root, facts, REFERENCE_ON)
        for each in found:
            assert verdict_of(root, applied(each, facts)) == wanted
            for left_out in each.changes:
                rest = ChangeSet(tuple(change for change in each.changes if change is not left_out))
                assert verdict_of(root, applied(rest, facts)) != wanted
        changed = [{(change.fact.name, str(change.then)) for change in each.changes} for each in found]
        assert not any(one < other for one in changed for other in changed)


def test_what_is_needed_beside_another_change_may_be_needless_without_it() -> None:
    text = "is_alive && disability_level in [1, 7] && age_years == age_years || age_years == disability_level"
    facts = {"is_alive": False, "disability_level": 0, "age_years": None}
    assert would_change(text, facts) == ["age_years None→0 told"]


def test_every_refused_example_is_told_what_would_change_it() -> None:
    for example in examples():
        root, facts = seventy()[example.programme].eligibility.root, facts_of(example)
        wanted: Wanted = "false" if example.eligible else "true"
        found = changes_to(wanted, root, facts, REFERENCE_ON)
        assert found, example
        for each in found:
            assert verdict_of(root, applied(each, facts)) == wanted, (example, told([each]))
            for left_out in each.changes:
                rest = ChangeSet(tuple(change for change in each.changes if change is not left_out))
                assert verdict_of(root, applied(rest, facts)) != wanted, (example, told([each]))


OF_EIGHTY = "is_alive && hukou_local && age_years >= 80 && age_years <= 89"


def at_age(since: date, **others: Any) -> dict[str, KnownFact]:
    facts = known_facts({"is_alive": True, "hukou_local": True, "age_years": 79, **others})
    years = 2026 - since.year - ((since.month, since.day) > (7, 1))
    fact = facts["age_years"]
    facts["age_years"] = KnownFact(fact.definition, years, "derived", fact.register, fact.department, since=since)
    return facts


def test_an_age_comes_by_itself_in_a_month_that_is_told() -> None:
    found = changes_to("true", condition(OF_EIGHTY).root, at_age(date(1946, 10, 15)), REFERENCE_ON)
    assert told(found) == ["age_years 79→80 time 2026-11"]


def test_who_was_born_on_the_first_is_of_age_in_that_month() -> None:
    found = changes_to("true", condition(OF_EIGHTY).root, at_age(date(1946, 11, 1)), REFERENCE_ON)
    assert told(found) == ["age_years 79→80 time 2026-11"]


def test_time_does_not_go_backwards() -> None:
    (only,) = changes_to("true", condition(OF_EIGHTY).root, at_age(date(1930, 1, 1)), REFERENCE_ON)
    assert told([only]) == ["age_years 96→89 past"]
    assert not only.possible


def test_what_ends_an_entitlement_by_itself_is_told_first() -> None:
    found = told(changes_to("false", condition(OF_EIGHTY).root, at_age(date(1940, 3, 9)), REFERENCE_ON))
    assert found[0] == "age_years 86→90 time 2030-04"
    assert set(found[1:]) >= {"is_alive True→False said", "hukou_local True→False said"}


def test_time_and_a_register_together() -> None:
    found = changes_to("true", condition(OF_EIGHTY).root, at_age(date(1946, 10, 15), hukou_local=False), REFERENCE_ON)
    assert told(found) == ["hukou_local False→True said + age_years 79→80 time 2026-11"]


@pytest.mark.parametrize(
    ("text", "facts", "found"),
    [
        (
            "household_income_per_capita_fen_month < local_dibao_line_fen_month",
            {"household_income_per_capita_fen_month": 120_000, "local_dibao_line_fen_month": 116_600},
            ["household_income_per_capita_fen_month 120000→116599 measured"],
        ),
        (
            "household_income_per_capita_fen_month * 10 < local_dibao_line_fen_month * 15",
            {"household_income_per_capita_fen_month": 200_000, "local_dibao_line_fen_month": 116_600},
            ["household_income_per_capita_fen_month 200000→174899 measured"],
        ),
        ("dibao_household", {"dibao_household": None}, ["dibao_household None→True told"]),
        ("disability_level == 1", {"disability_level": 3}, ["disability_level 3→1 measured"]),
        ("temporary_aid_count_year < 2", {"temporary_aid_count_year": 2}, ["temporary_aid_count_year 2→1 paid"]),
        (
            'tekun_mode == "dispersed"',
            {"tekun_mode": "none"},
            ["tekun_mode none→dispersed said"],
        ),
        (
            '"mental" in disability_types || "intellectual" in disability_types',
            {"disability_types": ("vision",)},
            [
                "disability_types ('vision',)→('vision', 'mental') said",
                "disability_types ('vision',)→('vision', 'intellectual') said",
            ],
        ),
    ],
)
def test_thresholds_words_and_what_is_owed(text: str, facts: dict[str, Any], found: list[str]) -> None:
    assert would_change(text, facts)[: len(found)] == found


def test_what_is_so_already_needs_no_change() -> None:
    assert would_change("dibao_household", {"dibao_household": True}) == []


def test_what_nothing_can_change_is_told_as_nothing() -> None:
    assert would_change("dibao_household && !dibao_household", {"dibao_household": True}) == []
