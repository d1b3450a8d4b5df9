"""A notice names nobody whole, and under some programmes nobody at all."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.programmes import sample_programmes
from qingdan.divisions import DivisionCode
from qingdan.identity import PersonName
from qingdan.ids import RunId
from runtime.ids import new_id
from subsidy import notice_rules
from subsidy.notice_rules import NoNoticeYet, Notice

CHARACTERS = st.one_of(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), st.sampled_from("·abcÖ𠮷"))


def test_names_are_masked_as_notices_mask_them() -> None:
    shown = {"张三": "张*", "王小明": "王*明", "欧阳建国": "欧**国", "甄": "*", "买买提·吐尔逊": "买*****逊"}
    assert {name: notice_rules.masked(PersonName(name)) for name in shown} == shown


@given(st.text(CHARACTERS, min_size=1, max_size=60))
def test_a_name_is_never_shown_whole(name: str) -> None:
    shown = notice_rules.masked(PersonName(name))
    assert name not in shown
    assert len(shown) == len(name)
    assert len(shown.replace("*", "")) <= min(2, len(name) - 1)


def test_every_sample_programme_about_children_health_or_loss_names_nobody() -> None:
    words = ("孤儿", "儿童", "残", "精神", "失能", "育儿", "小学", "初中", "高中", "生态安葬")
    about = {each["code"] for each in sample_programmes() if any(word in each["title_zh"] for word in words)}
    nameless = {each["code"]: each["nameless"] for each in sample_programmes() if each["nameless"]}
    assert about <= set(nameless)
    assert (len(nameless), set(nameless.values())) == (29, set(notice_rules.WHY_NAMELESS))
    assert not {"B01", "B08", "B44"} & set(nameless)


def notice(state: str) -> Notice:
    return Notice(RunId(new_id()), DivisionCode("330523000000"), state, 1, date(2026, 7, 20))  # type: ignore[arg-type]


def test_nothing_is_published_before_the_freeze() -> None:
    with pytest.raises(NoNoticeYet):
        notice_rules.require_published(notice("previewed"))
    assert notice_rules.require_published(notice("frozen")) is None
