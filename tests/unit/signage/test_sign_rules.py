"""Which signs stay at a door, and whether a department may hang another."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devkit.story.dafang import dafang
from qingdan.divisions import DivisionCode
from qingdan.ids import SignId
from qingdan.signage_events import Position
from runtime.problems import Forbidden
from signage import sign_rules
from signage.sign_rules import AskedSign, CountedSign, Sign
from signage.version_rules import RuleVersion
from tests.unit.signage.conftest import XIEDU, sign

XIEDU_ZH = "谢都村村民委员会"


def reasons(signs: list[Sign], rules: RuleVersion) -> dict[int, str | None]:
    """Why each sign comes down (None: it stays), by the number it was made with."""
    return {each.sign.id.int: each.reason for each in sign_rules.judge(signs, rules)}


def census_of(names_zh: Mapping[DivisionCode, str]) -> list[Sign]:
    return [
        sign(
            hung.wording,
            number=number,
            village=hung.village,
            village_zh=names_zh[hung.village],
            position=hung.position,
            hung_since=hung.hung_since,
        )
        for number, hung in enumerate(dafang().census, start=1)
    ]


def test_of_the_sample_census_exactly_what_may_not_hang_comes_down(
    rules: RuleVersion, names_zh: Mapping[DivisionCode, str]
) -> None:
    permitted = {rule.code for rule in rules.rules if rule.permitted}
    labels = {number: hung.true_code for number, hung in enumerate(dafang().census, start=1)}
    down = {number for number, reason in reasons(census_of(names_zh), rules).items() if reason is not None}
    assert len(down) == 222
    assert down == {number for number, code in labels.items() if code not in permitted}


def test_of_xiedus_thirteen_one_stays_across_and_two_upright(
    rules: RuleVersion, names_zh: Mapping[DivisionCode, str]
) -> None:
    judged = [each for each in sign_rules.judge(census_of(names_zh), rules) if each.sign.village == XIEDU]
    assert len(judged) == 13
    assert sorted(each.sign.position for each in judged if each.verdict == "permitted") == [
        *("outside_horizontal", "outside_vertical", "outside_vertical")
    ]


def test_second_copies_other_positions_and_unknown_wordings_come_down(rules: RuleVersion) -> None:
    signs = [
        sign("村民委员会", number=1, hung_since=2016),
        sign("谢都村村民委员会", number=2, hung_since=2012),  # the older one stays
        sign("便民服务站", number=3),  # upright, and its slot is across
        sign("便民服务站", number=4, position="outside_horizontal", hung_since=2020),
        sign("扶贫攻坚指挥部", number=5),
        sign("农家书屋", number=6, position="inside"),
    ]
    assert reasons(signs, rules) == {
        1: "second_copy",
        2: None,
        3: "wrong_position",
        4: None,
        5: "unknown_sign",
        6: "not_permitted",
    }


def test_each_village_has_its_own_slots(rules: RuleVersion) -> None:
    elsewhere = DivisionCode("520521103215")
    signs = [
        sign("村民委员会", number=1),
        sign("村民委员会", number=2, village=elsewhere, village_zh="新丰村村民委员会"),
    ]
    assert reasons(signs, rules) == {1: None, 2: None}


def test_what_was_permitted_before_keeps_its_place_when_an_older_one_is_found(rules: RuleVersion) -> None:
    signs = [sign("村民委员会", number=1, hung_since=2010), sign("村民委员会", number=2, verdict="permitted")]
    assert reasons(signs, rules) == {1: "second_copy", 2: None}


SIGNS = st.lists(
    st.tuples(
        st.sampled_from(["村民委员会", "谢都村便民服务站", "党支部", "农家书屋", "指挥部"]),
        st.sampled_from(["outside_horizontal", "outside_vertical", "inside"]),
        st.integers(2000, 2022),
    ),
    max_size=12,
)


@given(made=SIGNS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)  # the rules are never changed
def test_whatever_hangs_no_slot_is_held_twice_and_judging_again_says_the_same(
    made: list[tuple[str, str, int]], rules: RuleVersion
) -> None:
    signs = [
        sign(wording, number=n, position=position, hung_since=year)
        for n, (wording, position, year) in enumerate(made, start=1)
    ]
    judged = sign_rules.judge(signs, rules)
    staying = [each.code for each in judged if each.verdict == "permitted"]
    assert len(staying) == len(set(staying))
    again = [
        sign(wording, number=n, position=position, hung_since=year, verdict=verdicts[n])
        for verdicts in [{each.sign.id.int: each.verdict for each in judged}]
        for n, (wording, position, year) in enumerate(made, start=1)
    ]
    assert reasons(again, rules) == reasons(signs, rules)


@pytest.mark.parametrize(
    ("wording", "position", "department", "reason"),
    [
        ("便民服务站", "outside_horizontal", "ZWJ", None),
        ("谢都村便民服务工作站", "outside_horizontal", "ZWJ", None),
        ("便民服务站", "outside_vertical", "ZWJ", "wrong_position"),
        ("便民服务站", "outside_horizontal", "MZJ", "not_your_sign"),
        ("消防安全办公室", "outside_vertical", "XFD", "not_permitted"),
        ("消防安全办公室", "outside_vertical", "MZJ", "not_permitted"),
        ("扶贫攻坚指挥部", "inside", "NYJ", "unknown_sign"),
    ],
)
def test_a_department_hangs_its_own_sign_in_its_own_slot_or_none(
    wording: str, position: Position, department: str, reason: str | None, rules: RuleVersion
) -> None:
    _, found = sign_rules.decide(AskedSign(XIEDU, wording, position, department), XIEDU_ZH, rules)
    assert found == reason


def test_a_no_names_the_reason_and_the_rules_it_stands_on(rules: RuleVersion) -> None:
    asked = AskedSign(XIEDU, "消防安全办公室", "outside_vertical", "XFD")
    rule, reason = sign_rules.decide(asked, XIEDU_ZH, rules)
    assert reason is not None
    refused = sign_rules.refuse(asked, rule, reason, SignId(UUID(int=7)), listed=None, today=rules.effective_on)
    assert (refused.code, refused.reason, refused.department) == ("SG17", "not_permitted", "XFD")
    problem = sign_rules.not_allowed(refused, rules, None)
    assert problem.details == {
        "sign": str(UUID(int=7)),
        "code": "SG17",
        "reason": "not_permitted",
        "rule_version": 1,
        "list_version": None,
    }


def test_signs_alike_in_everything_are_numbered() -> None:
    one = CountedSign(village=XIEDU, wording="农家书屋", position="inside", hung_since=2015, department="XCB")
    other = one.model_copy(update={"hung_since": 2016})
    assert sign_rules.number_copies([one, other, one]) == [(one, 1), (other, 1), (one, 2)]


def test_who_sees_one_departments_signs_only_cannot_judge() -> None:
    sign_rules.require_sight_of_all(None)
    with pytest.raises(Forbidden):
        sign_rules.require_sight_of_all("MZJ")
