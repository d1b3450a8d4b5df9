"""Which kind of sign a wording names: measured on the sample census, whose labels no service is given."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.story.dafang import HungSign, dafang
from qingdan.divisions import DivisionCode
from signage.version_rules import RuleVersion
from signage.wording_rules import kernels

Names = Mapping[DivisionCode, str]

HITS_OF_342 = 342
"""Measured. The sample varies the village's name, 村 and the ways to say station, and nothing else: at a real county's
doors more wordings will be unknown, and are then to be entered in a rule as `also_worded`."""


def code_of(sign: HungSign, rules: RuleVersion, names_zh: Names) -> str | None:
    rule = rules.rule_for(sign.wording, names_zh[sign.village])
    return rule.code if rule is not None else None


def test_the_sample_census_is_read_as_well_as_measured(rules: RuleVersion, names_zh: Names) -> None:
    census = dafang().census
    assert len(census) == 342
    assert sum(code_of(sign, rules, names_zh) == sign.true_code for sign in census) == HITS_OF_342


def test_what_may_hang_is_always_found_and_nothing_else_is_taken_for_it(rules: RuleVersion, names_zh: Names) -> None:
    permitted = {rule.code for rule in rules.rules if rule.permitted}
    census = dafang().census
    truly = [(sign.village, sign.wording) for sign in census if sign.true_code in permitted]
    found = [(sign.village, sign.wording) for sign in census if code_of(sign, rules, names_zh) in permitted]
    assert len(truly) == 342 - 222
    assert found == truly


def test_every_rule_is_found_by_its_own_title_at_every_village(rules: RuleVersion, names_zh: Names) -> None:
    for village_zh in {names_zh[sign.village] for sign in dafang().census}:
        assert [rules.rule_for(rule.title_zh, village_zh) for rule in rules.rules] == list(rules.rules)


@pytest.mark.parametrize(
    ("wording", "village_zh", "code"),
    [
        ("谢都村村党支部（委员会）", "谢都村村民委员会", "SG01"),
        ("谢都村党支部", "谢都村村民委员会", "SG01"),
        ("谢都村委会", "谢都村村民委员会", None),  # an abbreviation: for a rule's also_worded
        ("新丰村村村民委员会", "新丰村村民委员会", "SG02"),
        ("余石社区便民服务工作站", "余石社区居民委员会", "SG03"),
        ("余石社区矫正工作站", "余石社区居民委员会", "SG52"),
        ("便民 服务站", "谢都村村民委员会", "SG03"),
        ("新时代文明实践站", "新村村民委员会", "SG06"),  # a village called New does not eat the word
        ("巨石村便民服务站", "谢都村村民委员会", None),  # another village's sign
        ("扶贫攻坚指挥部", "谢都村村民委员会", None),
        ("", "谢都村村民委员会", None),
        ("谢都村", "谢都村村民委员会", None),
    ],
)
def test_a_wording_names_a_kind_of_sign_or_none(
    wording: str, village_zh: str, code: str | None, rules: RuleVersion
) -> None:
    rule = rules.rule_for(wording, village_zh)
    assert (rule.code if rule is not None else None) == code


@given(wording=st.text(max_size=200), village_zh=st.text(max_size=100))
def test_any_wording_at_any_village_is_read_without_complaint(wording: str, village_zh: str) -> None:
    assert "" not in kernels(wording, village_zh)
