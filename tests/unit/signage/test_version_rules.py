"""A version of the rules stands whole or not at all."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from runtime.problems import Invalid
from signage.version_rules import RulesNotLater, RulesNotYetInEffect, RuleVersion, SignRule, take_effect

TODAY = date(2026, 3, 2)


def changed(rules: RuleVersion, code: str, /, **fields: Any) -> RuleVersion:
    """The rules with one of them changed."""
    return RuleVersion(
        rules.version,
        rules.effective_on,
        rules.legal_basis,
        tuple(rule.model_copy(update=fields) if rule.code == code else rule for rule in rules.rules),
    )


def errors_of(rules: RuleVersion) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        take_effect(rules, None, today=TODAY)
    errors: Any = refused.value.details["errors"]
    return [(error["pointer"], error["code"]) for error in errors]


def test_the_sample_rules_may_stand_and_have_one_slot_across_and_two_upright(rules: RuleVersion) -> None:
    take_effect(rules, None, today=TODAY)
    slots = [(rule.position, rule.code) for rule in rules.rules if rule.permitted and rule.position != "inside"]
    assert sorted(slots) == [("outside_horizontal", "SG03"), ("outside_vertical", "SG01"), ("outside_vertical", "SG02")]


def test_what_may_hang_has_a_position_and_what_may_not_has_none(rules: RuleVersion) -> None:
    assert errors_of(changed(rules, "SG03", position=None)) == [("/rules/2/position", "misplaced")]
    assert errors_of(changed(rules, "SG08", position="inside")) == [("/rules/7/position", "misplaced")]


def test_two_rules_of_one_code_are_named(rules: RuleVersion) -> None:
    assert ("/rules/1/code", "double") in errors_of(changed(rules, "SG02", code="SG01"))


def test_two_rules_that_no_wording_tells_apart_are_named(rules: RuleVersion) -> None:
    alike = changed(rules, "SG36", title_zh="志愿服务工作站")  # SG37 is 志愿服务站
    assert errors_of(alike) == [("/rules/35/title_zh", "alike"), ("/rules/36/title_zh", "alike")]


def test_another_wording_in_use_is_a_matter_of_data(rules: RuleVersion) -> None:
    taught = changed(rules, "SG02", also_worded=("村委会",))
    take_effect(taught, None, today=TODAY)
    rule = taught.rule_for("谢都村村委会", "谢都村村民委员会")
    assert rule is not None
    assert rule.code == "SG02"


def test_rules_take_effect_today_or_have_done_so_and_never_before_the_last(rules: RuleVersion) -> None:
    take_effect(replace(rules, effective_on=TODAY), TODAY, today=TODAY)
    with pytest.raises(RulesNotYetInEffect):
        take_effect(replace(rules, effective_on=date(2026, 3, 3)), None, today=TODAY)
    with pytest.raises(RulesNotLater):
        take_effect(replace(rules, effective_on=date(2026, 3, 1)), TODAY, today=TODAY)


def test_a_wording_that_two_rules_would_claim_names_none(rules: RuleVersion) -> None:
    twins = tuple(
        SignRule(code=code, title_zh="养老站", title_en="Care", department="MZJ", permitted=False, legal_basis="某意见")
        for code in ("SG90", "SG91")
    )
    ambiguous = RuleVersion(1, TODAY, "某意见", twins)
    assert ambiguous.rule_for("养老站", "谢都村村民委员会") is None
