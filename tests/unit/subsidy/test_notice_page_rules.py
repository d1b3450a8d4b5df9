"""A notice on paper: each village's own pages, in both languages, nothing but words, and every word escaped."""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from qingdan.divisions import DivisionCode
from qingdan.money import Fen
from subsidy.notice_page_rules import POLICY, Heading, Line, page
from subsidy.notice_rules import WHY_NAMELESS
from subsidy.why_titles_rules import Said
from tests.unit.subsidy.test_why_page_rules import Tags

HEADING: Final = Heading("安吉县", "2026-07", 3, date(2026, 7, 27))
LINE: Final = Line(
    division=DivisionCode("330523100201"),
    division_name="横溪坞村",
    programme="B01",
    title=Said(zh="最低生活保障金", en="Minimum living allowance"),
    law="社会救助暂行办法（国务院令第649号）",
    name="张*",
    nameless=None,
    occurrence="2026-07",
    amount_fen=Fen(123_456),
    item="00ff00ff00ff00ff",
)
ANOTHER: Final = replace(LINE, division=DivisionCode("330523100202"), division_name="另一村", amount_fen=Fen(100))


def printed(*lines: Line, heading: Heading = HEADING) -> str:
    return page(heading, lines, printed_on=date(2026, 7, 20))


def sections(document: str) -> Sequence[str]:
    return document.split("<section>")[1:]


def test_each_village_has_pages_of_its_own_with_its_own_sum() -> None:
    first, second = sections(printed(LINE, replace(LINE, item="11"), ANOTHER))
    assert ("横溪坞村" in first, "另一村" in first) == (True, False)
    assert "2 · ¥2,469.12" in first
    assert "1 · ¥1.00" in second
    assert "section { break-after: page }" in printed(LINE)


def test_it_says_the_law_the_month_until_when_and_how_to_object_in_both_languages() -> None:
    (only,) = sections(printed(LINE))
    for said in (
        "社会救助暂行办法",
        "2026-07",
        "2026-07-27",
        "00ff00ff00ff00ff",
        "1,234.56",
        "张*",
        "提出异议",
        "objects",
    ):
        assert said in only
    assert only.count('lang="en"') >= 10


def test_who_is_not_named_is_listed_without_a_name_and_with_the_reason() -> None:
    (only,) = sections(printed(replace(LINE, name=None, nameless=WHY_NAMELESS["minors"], occurrence=None)))
    assert "不公示" in only
    assert WHY_NAMELESS["minors"] in only
    assert "张" not in only


def test_an_empty_notice_says_so_and_one_without_an_end_shows_none() -> None:
    assert "没有任何款项" in printed()
    assert "<dd>—</dd>" in printed(LINE, heading=replace(HEADING, until=None))


def test_it_runs_nothing_fetches_nothing_and_its_policy_allows_its_own_style_alone() -> None:
    document = printed(LINE, ANOTHER)
    tags = Tags(document)
    assert tags.open == []
    assert not tags.seen & {"script", "link", "img", "iframe", "form", "a", "object"}
    assert re.search(r"\son\w+=|\sstyle=|url\(|@import|src=|href=", document) is None
    (style,) = re.findall(r"<style>(.*?)</style>", document, re.DOTALL)
    assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in POLICY
    assert "unsafe" not in POLICY


@given(words=st.text(min_size=1, max_size=40))
def test_every_word_is_escaped(words: str) -> None:
    told = f"<script>{words}</script>&\"'"
    line = replace(LINE, division_name=told, title=Said(zh=told, en=told), law=told, name=told, occurrence=told)
    assert "<script" not in printed(line, heading=replace(HEADING, county_name=told))
