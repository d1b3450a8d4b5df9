"""The assessment: places come from the data, are explained by it, and nothing else can enter."""

from dataclasses import fields
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.story.county import WUGUANYING, jize
from qingdan import assessment
from qingdan.assessment import (
    FINISHED_MIN,
    FORMULA_1,
    MILLI_MAX,
    NO_FACTS,
    NOTHING,
    STRATA,
    Facts,
    Score,
    Stratum,
    Tally,
    facts_in,
    recompute,
    score,
    score_milli_of_formula_1,
    usual_of,
)
from qingdan.divisions import DivisionCode
from tasks import assessment_store
from tasks.assessment_rules import Assessed, Ranked, rank

TOWNSHIPS = [township.code for township in jize().townships]
EASY, HARD = Stratum("assist", "long"), Stratum("statutory", "short")
TRACES = (
    *(
        "photo",
        "sign",
        "meeting",
        "document",
        "note",
        "share_report",
        "percent",
        "progress",
        "refus",
        "difficult",
        "attend",
    ),
    *("minutes", "agenda", "visits", "trace", "letter", "upload", "login", "duration"),
)


def history(
    *, exchange: dict[DivisionCode, DivisionCode] | None = None, listed: bool = True, bounds: tuple[int, int] = (5, 15)
) -> list[Assessed]:
    """The sample half-year of the seven townships; `exchange` gives one township's facts to another."""
    township_of = {village.code: code for code in TOWNSHIPS for village in jize().villages(code)}
    categories = {item.code: item.category for item in jize().items} if listed else {}
    facts = {code: Facts(len(jize().villages(code)), {}) for code in TOWNSHIPS}
    for row in jize().history:
        on_time = row.used_working_days <= row.limit_working_days
        order = 1 + (row.limit_working_days > bounds[0]) * 9 + (row.limit_working_days > bounds[1]) * 9
        stratum = Stratum.of(categories.get(row.responsibility_code), order)
        township = township_of[row.village_code]
        facts[township] = facts[township].with_more(
            stratum, Tally(1, int(on_time), row.findings, row.passed_first_recheck)
        )
    return [Assessed(code, jize().name_zh(code), facts[(exchange or {}).get(code, code)]) for code in TOWNSHIPS]


def places(assessed: list[Assessed]) -> dict[DivisionCode, int | None]:
    return {ranked.division: ranked.rank for ranked in rank(assessed)}


def tallies(most: int = 40) -> st.SearchStrategy[Tally]:
    def of(numbers: tuple[int, int]) -> st.SearchStrategy[Tally]:
        finished, found = numbers
        return st.builds(Tally, st.just(finished), st.integers(0, finished), st.just(found), st.integers(0, found))

    return st.tuples(st.integers(0, most), st.integers(0, most)).flatmap(of)


strata = st.sampled_from(STRATA)
all_facts = st.builds(Facts, st.integers(1, 40), st.dictionaries(strata, tallies(), max_size=5))
counties = st.lists(all_facts, min_size=1, max_size=7)
BETTER, WORSE = (Tally(1, 1, 0, 0), Tally(0, 0, 1, 1)), (Tally(1, 0, 0, 0), Tally(0, 0, 1, 0))


def county(each: list[Facts]) -> list[Assessed]:
    return [Assessed(DivisionCode(f"1304311{n:02}000"), f"乡{n}", facts) for n, facts in enumerate(each)]


def named(ranked: Ranked) -> dict[str, int]:
    return {fact.name: fact.value for fact in ranked.facts}


def test_wuguanying_comes_second_of_the_seven_townships() -> None:
    ranks = rank(history())
    assert [ranked.rank for ranked in ranks] == [1, 2, 3, 4, 5, 6, 7]
    assert ranks[1].division == WUGUANYING


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("bounds", [(5, 15), (5, 10), (7, 20), (10, 20), (10, 30), (1000, 1000)])
def test_its_place_depends_on_no_choice_of_strata(bounds: tuple[int, int], listed: bool) -> None:
    assert rank(history(bounds=bounds, listed=listed))[1].division == WUGUANYING


@pytest.mark.parametrize("own", [0, 2, 3])
@pytest.mark.parametrize("usual", [3, 30])
@pytest.mark.parametrize("load", [0, 8])
def test_its_place_depends_on_no_constant(monkeypatch: pytest.MonkeyPatch, own: int, usual: int, load: int) -> None:
    monkeypatch.setattr(assessment, "OWN_PRIOR", own)
    monkeypatch.setattr(assessment, "USUAL_PRIOR_CASES", usual)
    monkeypatch.setattr(assessment, "LOAD_PARTS", load)
    assert rank(history())[1].division == WUGUANYING


@pytest.mark.parametrize("other", sorted(set(TOWNSHIPS) - {WUGUANYING}))
def test_with_another_townships_data_it_has_that_townships_place(other: DivisionCode) -> None:
    before = places(history())
    after = places(history(exchange={WUGUANYING: other, other: WUGUANYING}))
    assert (after[WUGUANYING], after[other]) == (before[other], before[WUGUANYING])
    assert after[WUGUANYING] != 2


def traces_in(names: str) -> list[str]:
    return [trace for trace in TRACES if trace in names.lower()]


def test_the_formula_cannot_name_traces_refusals_or_difficulties() -> None:
    assert {field.name for field in fields(Facts)} == {"villages", "work"}
    assert {field.name for field in fields(Stratum)} == {"category", "limit"}
    assert {field.name for field in fields(Tally)} == {"finished", "on_time", "findings", "passed_first_recheck"}
    for ranked in rank(history()):
        assert traces_in(" ".join(named(ranked))) == []


def test_the_statement_that_reads_the_facts_names_none_of_them_either() -> None:
    assert traces_in(assessment_store._FACTS.replace("share_limit", "")) == []
    assert "finished_share" in assessment_store._FACTS  # the words are looked for where the facts are read
    assert traces_in("SELECT photo_sha256 FROM meeting") == ["photo", "meeting"]


@given(counties)
def test_ranks_follow_the_scores_and_the_same_score_is_the_same_rank(each: list[Facts]) -> None:
    ranks = rank(county(each))
    scores = [r.score_milli for r in ranks if r.score_milli is not None]
    assert scores == sorted(scores, reverse=True)
    assert [r.rank for r in ranks if r.rank is not None] == [scores.index(score) + 1 for score in scores]
    assert all(0 <= score <= MILLI_MAX for score in scores)
    assert len(ranks) == len(each)


@given(counties, st.randoms())
def test_the_order_in_which_divisions_are_given_changes_nothing(each: list[Facts], random: object) -> None:
    given_so = county(each)
    otherwise = list(given_so)
    random.shuffle(otherwise)  # type: ignore[attr-defined] # hypothesis' random is a random.Random
    assert rank(given_so) == rank(otherwise)


@given(counties, all_facts)
def test_equal_facts_have_the_same_place(each: list[Facts], twice: Facts) -> None:
    of = places(county([twice, twice, *each]))
    assert of[DivisionCode("130431100000")] == of[DivisionCode("130431101000")]


@given(all_facts, all_facts, strata)
def test_one_more_on_time_or_put_right_never_lowers_a_score_and_one_more_late_never_raises_it(
    own: Facts, others: Facts, stratum: Stratum
) -> None:
    before = score(own, others).score_milli
    for better in BETTER:
        assert score(own.with_more(stratum, better), others).score_milli >= before
    for worse in WORSE:
        assert score(own.with_more(stratum, worse), others).score_milli <= before


@given(st.lists(all_facts, min_size=2, max_size=6), strata)
def test_doing_better_never_costs_a_place(each: list[Facts], stratum: Stratum) -> None:
    """Nor through the others: what one does better makes what is usual higher for them."""
    enough = [facts.with_more(EASY, Tally(FINISHED_MIN, 0, 0, 0)) for facts in each]
    first = DivisionCode("130431100000")
    before = places(county(enough))[first]
    for better in BETTER:
        after = places(county([enough[0].with_more(stratum, better), *enough[1:]]))[first]
        assert before is not None
        assert after is not None
        assert after <= before


@given(all_facts, all_facts, strata)
def test_a_late_share_costs_less_the_harder_such_work_is_for_the_others(
    own: Facts, others: Facts, stratum: Stratum
) -> None:
    """At most r/(2 + r) of the points for being on time, r being what part of the others' like work was on time."""
    usual = usual_of(others, stratum).on_time_milli
    before, after = score(own, others), score(own.with_more(stratum, WORSE[0]), others)
    assert before.on_time_milli - after.on_time_milli <= MILLI_MAX * usual // (2 * MILLI_MAX + usual) + 1


def test_many_hard_shares_done_better_than_others_beat_few_easy_ones_done_as_others() -> None:
    others = Facts(10, {EASY: Tally(200, 190, 0, 0), HARD: Tally(200, 80, 0, 0)})
    easy = Facts(1, {EASY: Tally(20, 19, 0, 0)})
    hard = Facts(1, {HARD: Tally(40, 24, 0, 0)})
    assert score(hard, others).on_time_milli > score(easy, others).on_time_milli > MILLI_MAX * 45 // 100
    assert score(hard, others).load_milli > score(easy, others).load_milli


@given(counties)
def test_a_score_can_be_computed_again_from_what_is_published_beside_it(each: list[Facts]) -> None:
    ranks = rank(county(each))
    for ranked in ranks:
        assert len(ranked.facts) <= 100
        if ranked.score_milli is not None:
            assert recompute(assessment.FORMULA, named(ranked)) == ranked.score_milli


@given(counties)
def test_a_ranking_can_be_computed_again_from_all_that_is_published(each: list[Facts]) -> None:
    ranks = rank(county(each))
    again = assessment.rank({r.division: facts_in(named(r)) for r in ranks if r.rank is not None})
    assert [(p.division, p.rank, p.score and p.score.score_milli) for p in again] == [
        (r.division, r.rank, r.score_milli) for r in ranks if r.rank is not None
    ]


def test_what_was_assessed_by_the_first_formula_is_computed_by_it() -> None:
    own, compared = Tally(168, 161, 65, 59), Tally(1400, 1143, 439, 349)
    facts = {name: getattr(own, name) for name in assessment.COUNTED}
    facts |= {f"compared_{name}": getattr(compared, name) for name in assessment.COUNTED}
    assert recompute(FORMULA_1, facts) == score_milli_of_formula_1(own, compared) == 92_151
    with pytest.raises(ValueError, match="not documented"):
        recompute("mine/1", facts)


@given(counties)
def test_what_would_change_a_score_changes_it_by_so_much(each: list[Facts]) -> None:
    pool = reduce(Facts.__add__, each, NO_FACTS)
    for own in each:
        others = pool - own
        levers = assessment.levers(own, others)
        assert len(levers) <= 2
        assert [lever.gain_milli for lever in levers] == sorted((x.gain_milli for x in levers), reverse=True)
        for lever in levers:
            tally = own.of(lever.stratum)
            on_time = tally.on_time + (lever.cases if lever.what == "late" else 0)
            passed = tally.passed_first_recheck + (lever.cases if lever.what == "failed" else 0)
            changed = Tally(tally.finished, on_time, tally.findings, passed)
            then = Facts(own.villages, {**own.work, lever.stratum: changed})
            assert score(then, others).score_milli - score(own, others).score_milli == lever.gain_milli


def test_too_few_finished_shares_are_not_ranked_and_say_so() -> None:
    few, enough = (Facts(1, {EASY: Tally(n, 0, 0, 0)}) for n in (FINISHED_MIN - 1, FINISHED_MIN))
    first, last = rank(county([few, enough]))
    assert (first.rank, first.of, last.rank, last.of) == (1, 1, None, 1)
    assert "Not ranked: 4 finished shares" in last.explanation_en
    assert "不参加排名" in last.explanation_zh


def test_the_sentence_names_the_facts_and_the_points_in_both_languages() -> None:
    second = rank(history())[1]
    assert second.score_milli is not None
    points = f"{second.score_milli // 1000}.{second.score_milli % 1000:03}"
    assert f"Place 2 of 7 with {points} points: 161 of 168 finished shares" in second.explanation_en
    assert f"吴官营镇在7个中列第2位，得{points}分：已完成的168项任务中，161项" in second.explanation_zh
    most = second.would_change[0]
    assert "points more, had, in" in most.explanation_en
    assert "将多得" in most.explanation_zh


def test_impossible_facts_do_not_exist() -> None:
    with pytest.raises(ValueError, match="more is on time"):
        Tally(1, 2, 0, 0)
    assert Tally(0, 0, 0, 0) == NOTHING
    assert Path(assessment.__file__).parent.name == "qingdan"  # where an auditor finds it


def test_the_documented_example_is_what_the_formula_gives() -> None:
    others = Facts(20, {EASY: Tally(200, 190, 40, 30), HARD: Tally(100, 40, 20, 10)})
    a, b = Facts(1, {EASY: Tally(10, 10, 0, 0)}), Facts(1, {HARD: Tally(20, 12, 4, 3)})
    assert score(a, others) == Score(55_170, 61_363, 50_000, 45_454)
    assert score(b, others) == Score(61_476, 63_599, 60_083, 54_545)
