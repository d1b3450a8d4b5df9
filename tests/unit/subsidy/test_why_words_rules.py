"""Everything that an explanation says is said in plain Chinese and English, and of others nothing but that they are."""

import re
from typing import Any

import pytest
from hypothesis import given, settings

from devkit.programmes import sample_programmes
from devkit.story.county import rows
from runtime.problems import Bilingual
from subsidy import why_words_rules
from subsidy.expression_rules import parse
from subsidy.vocabulary_rules import BY_NAME, FACTS
from subsidy.why_change_rules import changes_to
from subsidy.why_facts_rules import values as values_of
from subsidy.why_rules import compute, judge
from subsidy.why_titles_rules import DEPARTMENTS, FACT_TITLES, title, value, word
from subsidy.why_words_rules import Reading
from tests.unit.subsidy.expressions import conditions, some_unknown
from tests.unit.subsidy.why_cases import EVERYBODY, REFERENCE_ON, condition, examples, facts_of, known_facts, seventy

CHINESE = re.compile("[\u4e00-\u9fff]")


def every(reading: Reading) -> list[Reading]:
    return [reading, *(each for part in reading.parts for each in every(part))]


def said_well(words: Bilingual) -> bool:
    """Both languages, ended, and without what a computer says: names of facts, operators, True or None."""
    machine = re.compile(r"&&|\|\||==|[a-z]+_[a-z_]+|\bTrue\b|\bFalse\b|\bNone\b")
    return bool(
        CHINESE.search(words.zh)
        and not CHINESE.search(words.en)
        and words.zh[-1] in "。："
        and words.en[-1] in ".:"
        and not machine.search(words.en + words.zh)
    )


def read(text: str, facts: dict[str, Any], theirs: frozenset[str] = frozenset()) -> Reading:
    known = known_facts(facts)
    return why_words_rules.read(judge(condition(text).root, values_of(known)), known, theirs)


# -- the vocabulary ----------------------------------------------------------------------------------------------------


def test_every_fact_has_the_titles_of_the_countys_vocabulary() -> None:
    theirs = {row["name"]: (row["title_zh"], row["title_en"]) for row in rows("facts") if row["identity"] != "true"}
    assert dict(FACT_TITLES) == theirs
    assert set(FACT_TITLES) >= {fact.name for fact in FACTS if fact.name in theirs}
    assert {fact.name for fact in FACTS} - set(FACT_TITLES) == set()


def test_every_value_that_a_fact_can_have_has_words() -> None:
    for fact in FACTS:
        for text in (*fact.values, *([fact.absent] if isinstance(fact.absent, str) else [])):
            said = word(fact, text)
            assert CHINESE.search(said.zh), (fact.name, text)
            assert not CHINESE.search(said.en)


def test_every_department_of_a_fact_or_programme_has_a_name() -> None:
    named = {fact.department for fact in FACTS} | {each["department"] for each in sample_programmes()}
    assert named - DEPARTMENTS.keys() == set()


@pytest.mark.parametrize(
    ("name", "it", "zh", "en"),
    [
        ("local_dibao_line_fen_month", 116_600, "1,166.00元/月", "1,166.00 yuan a month"),
        ("machinery_subsidy_assessed_fen", -5, "-0.05元", "-0.05 yuan"),
        ("contracted_farmland_mu_x100", 520, "5.2亩", "5.2 mu"),
        ("grain_area_mu_x100", 2_000, "20亩", "20 mu"),
        ("age_months", 35, "2年11个月", "2 years and 11 months"),
        ("residence_months", 0, "0个月", "0 months"),
        ("months_since_death", -1, "-1", "-1"),
        ("age_years", 79, "79周岁", "79 years"),
        ("party_years", 1, "1年", "1 year"),
        ("household_size", 3, "3人", "3 persons"),
        ("disability_types", ("vision", "mental"), "视力、精神", "vision, mental"),
        ("disability_types", (), "无", "none"),
        ("orphan_care", "dispersed", "社会散居", "in the community"),
        ("is_alive", True, "是", "yes"),
        ("is_alive", None, "未知", "unknown"),
        ("business_entity_code", "fire", "fire", "fire"),
    ],
)
def test_values_are_said_with_their_units(name: str, it: object, zh: str, en: str) -> None:
    said = value(BY_NAME[name], it)
    assert (said.zh, said.en) == (zh, en)


# -- conditions --------------------------------------------------------------------------------------------------------


def test_every_condition_amount_and_change_of_the_337_examples_is_said_in_both_languages() -> None:
    told = 0
    for example in examples():
        compiled, facts = seventy()[example.programme], facts_of(example)
        root = compiled.eligibility.root
        for reading in every(why_words_rules.read(judge(root, values_of(facts)), facts)):
            assert said_well(reading.said), (example, reading.said)
            told += 1
        came = compute(compiled.amount.root, values_of(facts))
        assert said_well(why_words_rules.amount(compiled.amount.root, came, facts)), example
        for each in changes_to("false" if example.eligible else "true", root, facts, REFERENCE_ON):
            assert said_well(why_words_rules.change_set(each, REFERENCE_ON)), example
    assert told > 2_000


@settings(deadline=None)
@given(conditions, some_unknown)
def test_any_rule_is_read_as_it_is_decided(text: str, facts: dict[str, Any]) -> None:
    whole = read(text, facts)
    assert whole.verdict == judge(condition(text).root, facts).verdict
    for reading in every(whole):
        assert said_well(reading.said)
        verdicts = [part.verdict for part in reading.parts]
        if reading.kind == "all":
            assert (reading.verdict == "true") == (set(verdicts) == {"true"})
        if reading.kind == "any":
            assert (reading.verdict == "true") == ("true" in verdicts)


@pytest.mark.parametrize(
    ("text", "facts", "zh", "en"),
    [
        (
            "age_years >= 80",
            {"age_years": 79},
            "“年龄(周岁)”须不小于80周岁，现为79周岁。不符合。",
            "“Age in completed years” must be at least 80 years; it is 79 years. Not met.",
        ),
        (
            "80 <= age_years",
            {"age_years": 80},
            "“年龄(周岁)”须不小于80周岁，现为80周岁。符合。",
            "“Age in completed years” must be at least 80 years; it is 80 years. Met.",
        ),
        (
            "!is_tekun",
            {"is_tekun": True},
            "“特困供养人员”须为否，现为是。不符合。",
            "“Person in extreme difficulty” must be no; it is yes. Not met.",
        ),
        (
            "!(age_years >= 80)",
            {"age_years": 79},
            "“年龄(周岁)”须小于80周岁，现为79周岁。符合。",
            "“Age in completed years” must be less than 80 years; it is 79 years. Met.",
        ),
        (
            'house_danger_level == "D"',
            {"house_danger_level": None},
            "“住房安全等级”须为D级，现未知：须由住房和城乡建设局提供。尚不能判断。",
            "“House safety grade” must be grade D; it is unknown: the Housing and Construction Bureau has to provide"
            " it. Cannot be told yet.",
        ),
        (
            "household_income_per_capita_fen_month * 10 < local_dibao_line_fen_month * 15",
            {"household_income_per_capita_fen_month": 50_000, "local_dibao_line_fen_month": 116_600},
            "“家庭人均月收入” × 10须小于“当地低保标准” × 15，“家庭人均月收入” × 10现为5,000.00元/月，"
            "“当地低保标准” × 15现为17,490.00元/月。符合。",
            "“Household income per head and month” × 10 must be less than “Local subsistence line” × 15;"
            " “Household income per head and month” × 10 is 5,000.00 yuan a month;"
            " “Local subsistence line” × 15 is 17,490.00 yuan a month. Met.",
        ),
        (
            'emergency_cause in ["fire", "illness"]',
            {"emergency_cause": "none"},
            "“困难突发原因”须为其中之一：火灾、疾病，现为无。不符合。",
            "“Cause of sudden hardship” must be one of: fire, illness; it is none. Not met.",
        ),
        (
            '"mental" in disability_types',
            {"disability_types": ("vision",)},
            "“残疾类别”须包含精神，现为视力。不符合。",
            "“Disability types” must include mental; it is vision. Not met.",
        ),
        (
            "household_size / child_count > 1",
            {"household_size": 3, "child_count": 0},
            "“共同生活人口” ÷ “子女数”须大于1人，除数为零。无法计算。",
            "“Persons living together” ÷ “Number of children” must be more than 1 person; something is divided by zero."
            " Cannot be computed.",
        ),
    ],
)
def test_a_condition_says_what_is_needed_and_what_is(text: str, facts: dict[str, Any], zh: str, en: str) -> None:
    (said,) = [each.said for each in every(read(text, facts)) if each.kind == "leaf"]
    assert (said.zh, said.en) == (zh, en)


def test_a_denied_group_is_read_without_a_denial() -> None:
    whole = read("!(is_alive || hukou_local)", {"is_alive": False, "hukou_local": True})
    assert (whole.kind, whole.verdict, [part.verdict for part in whole.parts]) == ("all", "false", ["true", "false"])
    assert [part.said.en for part in whole.parts] == [
        "“Is alive” must be no; it is no. Met.",
        "“Registered in this county” must be no; it is yes. Not met.",
    ]


def test_of_another_member_nothing_but_the_condition_is_said() -> None:
    said = read("age_years >= 60", {"age_years": 73}, frozenset({"age_years"})).said
    assert said.zh == "户内一名成员：“年龄(周岁)”须不小于60周岁。符合。"
    assert said.en == "A member of the household: “Age in completed years” must be at least 60 years. Met."
    facts = known_facts({"age_years": 53})
    for each in changes_to("true", condition("age_years >= 60").root, facts, REFERENCE_ON):
        words = why_words_rules.change_set(each, REFERENCE_ON, frozenset({"age_years"}))
        assert "53" not in words.en + words.zh


# -- amounts and changes -----------------------------------------------------------------------------------------------


def amount(text: str, facts: dict[str, Any]) -> Bilingual:
    root, known = parse(text, "int", EVERYBODY).root, known_facts(facts)
    return why_words_rules.amount(root, compute(root, facts), known)


def test_an_amount_is_told_with_the_numbers_put_in() -> None:
    text = "(local_dibao_line_fen_month - household_income_per_capita_fen_month) * household_size"
    facts = {
        "local_dibao_line_fen_month": 116_600,
        "household_income_per_capita_fen_month": 16_600,
        "household_size": 3,
    }
    assert amount(text, facts).zh == (
        "金额（分）：(“当地低保标准” − “家庭人均月收入”) × “共同生活人口”"
        " = (116600 − 16600) × 3 = 300000，即3,000.00元。"
    )
    assert amount("5000", {}).en == "A fixed amount: 50.00 yuan."
    assert amount("100 / household_size", {"household_size": 0}).en.endswith(
        "It cannot be computed: something is divided by zero."
    )
    assert "公安局" in amount("household_size * 100", {"household_size": None}).zh


def test_what_comes_by_itself_says_when() -> None:
    facts = known_facts({"age_years": 79})
    (only,) = changes_to("true", condition("age_years >= 80").root, facts, REFERENCE_ON)
    words = why_words_rules.change_set(only, REFERENCE_ON)
    assert words.zh == "“年龄(周岁)”由79周岁变为80周岁，再过1年（自2027-07起）。"
    assert words.en == "“Age in completed years”: 79 years → 80 years in 1 year (from 2027-07 on)."


def test_what_is_unknown_would_have_to_be_said_by_somebody() -> None:
    facts = known_facts({"dibao_household": None, "disability_level": None})
    (only,) = changes_to("true", condition("dibao_household && disability_level >= 1").root, facts, REFERENCE_ON)
    assert why_words_rules.change_set(only, REFERENCE_ON).zh == (
        "“低保家庭”未知，须由民政局提供，且须为是；并且“残疾等级(0为无)”未知，须由残疾人联合会提供，例如为1。"
    )


def test_a_fact_that_joined_without_a_title_stands_by_its_name() -> None:
    stranger = BY_NAME["is_alive"].__class__("is_new", "person", "bool")
    assert title(stranger) == Bilingual(en="is_new", zh="is_new")
