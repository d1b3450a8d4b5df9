"""How alike wordings are."""

from hypothesis import given
from hypothesis import strategies as st

from qingdan.wording import Rarity, covered_en, covered_zh, likeness, pairs, words

TERMS = st.frozensets(st.text("abc", min_size=1, max_size=2))


def test_chinese_is_taken_in_pairs_and_a_lone_character_as_itself() -> None:
    assert pairs("村务公开、X路") == {"村务", "务公", "公开", "路"}


def test_english_is_taken_in_telling_words_in_the_singular() -> None:
    assert words("Policies for the villages, glass and 12 ID") == {"policy", "village", "glass"}


@given(one=TERMS, other=TERMS, list_of=st.lists(TERMS, max_size=5))
def test_likeness_is_between_nothing_and_the_same_and_the_same_both_ways(
    one: frozenset[str], other: frozenset[str], list_of: list[frozenset[str]]
) -> None:
    rarity = Rarity.among(list_of)
    assert 0.0 <= likeness(one, other, rarity) <= 1.0
    assert likeness(one, other, rarity) == likeness(other, one, rarity)
    assert likeness(one, one, rarity) == (1.0 if one else 0.0)


def test_a_rare_term_weighs_more() -> None:
    rarity = Rarity.among([frozenset({"村", "路"}), frozenset({"村"}), frozenset({"村"})])
    assert rarity.weight({"路"}) > rarity.weight({"村"}) > 0


def test_the_clause_that_stands_most_fully_in_the_text_counts() -> None:
    assert covered_zh("无依据收费、押金", "收取宅基地押金") == 1.0
    assert covered_zh("关注公众号、打卡截图", "村民代表会议召开") == 0.0
    assert covered_en("Following accounts, check-in screenshots", "Open bank accounts") == 0.5
    assert covered_en("Photos", "Upload photos") == 0.0
