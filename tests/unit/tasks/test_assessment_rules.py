"""The assessment: places come from the data, are explained by it, and nothing else can enter."""

from dataclasses import fields
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.story.county import WUGUANYING, jize
from qingdan.divisions import DivisionCode
from tasks import assessment_rules
from tasks.assessment_rules import FINISHED_MIN, MILLI_MAX, NOTHING, Assessed, Facts, rank, score_milli

TOWNSHIPS = [township.code for township in jize().townships]


def history(*, exchange: dict[DivisionCode, DivisionCode] | None = None) -> list[Assessed]:
    """The sample half-year of the seven townships; `exchange` gives one township's rows to another."""
    township_of = {village.code: code for code in TOWNSHIPS for village in jize().villages(code)}
    facts = dict.fromkeys(TOWNSHIPS, NOTHING)
    for row in jize().history:
        township = township_of[row.village_code]
        township = (exchange or {}).get(township, township)
        on_time = row.used_working_days <= row.limit_working_days
        facts[township] += Facts(1, int(on_time), row.findings, row.passed_first_recheck)
    return [Assessed(code, jize().name_zh(code), facts[code]) for code in TOWNSHIPS]


def places(assessed: list[Assessed]) -> dict[DivisionCode, int | None]:
    return {ranked.division: ranked.rank for ranked in rank(assessed)}


def facts_strategy(most: int = 300) -> st.SearchStrategy[Facts]:
    def of(numbers: tuple[int, int]) -> st.SearchStrategy[Facts]:
        finished, findings = numbers
        return st.builds(
            Facts, st.just(finished), st.integers(0, finished), st.just(findings), st.integers(0, findings)
        )

    return st.tuples(st.integers(0, most), st.integers(0, most)).flatmap(of)


def county(facts: list[Facts]) -> list[Assessed]:
    return [Assessed(DivisionCode(f"1304311{n:02}000"), f"乡{n}", f) for n, f in enumerate(facts)]


def test_wuguanying_comes_second_of_the_seven_townships() -> None:
    ranks = rank(history())
    assert [ranked.rank for ranked in ranks] == [1, 2, 3, 4, 5, 6, 7]
    assert ranks[1].division == WUGUANYING


@pytest.mark.parametrize("prior", [0, 1, 3, 10, 30])
@pytest.mark.parametrize("weight", [Fraction(n, 10) for n in range(11)])
def test_its_place_depends_on_no_weight_and_on_no_usual_smoothing(prior: int, weight: Fraction) -> None:
    """Any mixture of the two rates, from quality alone to on time alone, gives the same second place.

    (Only a smoothing of 100 cases with on time alone would put it first: it then has more tasks than the best.)
    """
    assessed = history()
    pool = sum((a.facts for a in assessed), NOTHING)

    def score(facts: Facts) -> Fraction:
        on_time = (facts.on_time + prior * Fraction(pool.on_time, pool.finished)) / (facts.finished + prior)
        passed = facts.passed_first_recheck + prior * Fraction(pool.passed_first_recheck, pool.findings)
        return weight * on_time + (1 - weight) * passed / (facts.findings + prior)

    in_order = sorted(assessed, key=lambda a: score(a.facts), reverse=True)
    assert in_order[1].code == WUGUANYING


@pytest.mark.parametrize("other", sorted(set(TOWNSHIPS) - {WUGUANYING}))
def test_with_another_townships_data_it_has_that_townships_place(other: DivisionCode) -> None:
    before = places(history())
    after = places(history(exchange={WUGUANYING: other, other: WUGUANYING}))
    assert (after[WUGUANYING], after[other]) == (before[other], before[WUGUANYING])
    assert after[WUGUANYING] != 2


def test_the_facts_have_no_place_for_traces_or_refusals() -> None:
    assert {field.name for field in fields(Facts)} == {"finished", "on_time", "findings", "passed_first_recheck"}


@given(st.lists(facts_strategy(), min_size=1, max_size=9))
def test_ranks_follow_the_scores_and_the_same_score_is_the_same_rank(all_facts: list[Facts]) -> None:
    ranks = rank(county(all_facts))
    scores = [r.score_milli for r in ranks if r.score_milli is not None]
    assert scores == sorted(scores, reverse=True)
    assert [r.rank for r in ranks if r.rank is not None] == [scores.index(score) + 1 for score in scores]
    assert all(0 <= score <= MILLI_MAX for score in scores)
    assert len(ranks) == len(all_facts)


@given(st.lists(facts_strategy(), min_size=2, max_size=7), st.randoms())
def test_the_order_in_which_divisions_are_given_changes_nothing(all_facts: list[Facts], random: object) -> None:
    given_so = county(all_facts)
    otherwise = list(given_so)
    random.shuffle(otherwise)  # type: ignore[attr-defined] # hypothesis' random is a random.Random
    assert rank(given_so) == rank(otherwise)


@given(facts_strategy(), facts_strategy())
def test_one_more_share_on_time_or_finding_put_right_never_lowers_a_score(facts: Facts, others: Facts) -> None:
    before = score_milli(facts, facts + others)
    for better in (Facts(1, 1, 0, 0), Facts(0, 0, 1, 1)):
        assert score_milli(facts + better, facts + better + others) >= before or facts + others == NOTHING


@given(st.lists(facts_strategy(), min_size=1, max_size=7))
def test_a_rank_can_be_computed_again_from_its_own_facts(all_facts: list[Facts]) -> None:
    for ranked in rank(county(all_facts)):
        if ranked.score_milli is None:
            continue
        named = {fact.name: fact.value for fact in ranked.facts}
        own = Facts(**{field.name: named[field.name] for field in fields(Facts)})
        pool = Facts(**{field.name: named[f"compared_{field.name}"] for field in fields(Facts)})
        assert score_milli(own, pool) == ranked.score_milli


def test_too_few_finished_shares_are_not_ranked_and_say_so() -> None:
    few, enough = Facts(FINISHED_MIN - 1, 0, 0, 0), Facts(FINISHED_MIN, 0, 0, 0)
    first, last = rank(county([few, enough]))
    assert (first.rank, first.of, last.rank, last.of) == (1, 1, None, 1)
    assert "Not ranked: 4 finished shares" in last.explanation_en
    assert "不参加排名" in last.explanation_zh


def test_few_findings_say_little() -> None:
    """One finding that failed does not make a village the worst of all; twenty do."""
    pool = Facts(1000, 800, 400, 320)
    one, twenty, typical = Facts(50, 40, 1, 0), Facts(50, 40, 20, 0), Facts(50, 40, 20, 12)
    assert score_milli(one, pool) > score_milli(typical, pool) > score_milli(twenty, pool)


def test_the_sentence_names_the_facts_and_the_points_in_both_languages() -> None:
    second = rank(history())[1]
    assert second.score_milli is not None
    points = f"{second.score_milli // 1000}.{second.score_milli % 1000:03}"
    assert f"Place 2 of 7 with {points} points: 161 of 168 finished shares" in second.explanation_en
    assert f"吴官营镇在7个中列第2位，得{points}分：已完成的168项任务中，161项" in second.explanation_zh


def test_impossible_facts_do_not_exist() -> None:
    with pytest.raises(ValueError, match="more is on time"):
        Facts(1, 2, 0, 0)
    assert assessment_rules.FORMULA.endswith("/1")
