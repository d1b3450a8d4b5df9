"""A refusal says what it says in both languages, and its docstring is the only place where that is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import problems
from runtime.problems import Bilingual, Refusal, language_for, problem_document, problem_type, wording_of


class ShareAlreadyClaimed(Refusal):
    """This share of the task has been claimed. 该任务份额已被认领。"""

    status = 409


class LimitTooLong(Refusal):
    """The limit is too long. 时限过长。

    Choose at most 60 working days, or ask
    the town. If-Match 与 Idempotency-Key 不变，
    请重新选择。
    """

    status = 422


def every_refusal(root: type[Refusal] = Refusal) -> list[type[Refusal]]:
    return [root, *(found for child in root.__subclasses__() for found in every_refusal(child))]


def test_the_docstring_is_the_sentence_shown() -> None:
    assert wording_of(ShareAlreadyClaimed).title == Bilingual(
        "This share of the task has been claimed.", "该任务份额已被认领。"
    )


def test_a_second_paragraph_says_what_to_do_and_may_break_its_lines_and_begin_with_a_latin_word() -> None:
    assert wording_of(LimitTooLong).remedy == Bilingual(
        "Choose at most 60 working days, or ask the town.", "If-Match 与 Idempotency-Key 不变，请重新选择。"
    )


@pytest.mark.parametrize(
    "docstring",
    [
        None,
        "",
        "Only English.",
        "只有中文。",
        "No full stop 没有句号。",
        "English. 没有句号",
        "Twice. 两次。\n\nTwice. 两次。\n\nTwice. 两次。",
        "Good. 好。\n\nnothing",
    ],
)
def test_a_refusal_that_cannot_be_shown_cannot_be_written(docstring: str | None) -> None:
    with pytest.raises(TypeError, match="its docstring is shown to people"):
        type("Broken", (Refusal,), {"__doc__": docstring, "status": 409})


def test_a_refusal_is_not_a_success() -> None:
    with pytest.raises(TypeError, match="from 400 to 599"):
        type("Fine", (Refusal,), {"__doc__": "All is well. 一切正常。", "status": 200})


def test_every_refusal_there_is_has_its_own_type_and_words() -> None:
    found = every_refusal()
    assert len(found) > 20
    assert len({problem_type(refusal) for refusal in found}) == len({refusal.__name__ for refusal in found})
    assert all(refusal.wording.title.zh.endswith("。") for refusal in found)


def test_the_document_has_both_languages_and_the_one_asked_for() -> None:
    document = problem_document(ShareAlreadyClaimed(share="s-1", left=None), language="zh", trace_id="ab" * 16)
    assert document == {
        "type": "urn:qingdan:problem:share-already-claimed",
        "title": "该任务份额已被认领。",
        "title_en": "This share of the task has been claimed.",
        "title_zh": "该任务份额已被认领。",
        "status": 409,
        "instance": "urn:trace:" + "ab" * 16,
        "share": "s-1",
    }


def test_a_detail_cannot_replace_a_member_of_the_document() -> None:
    with pytest.raises(TypeError, match="rename"):
        ShareAlreadyClaimed(status=200)


def test_the_exception_itself_says_the_english_sentence_and_no_details() -> None:
    assert str(ShareAlreadyClaimed(share="s-1")) == "This share of the task has been claimed."


def test_whoever_must_wait_is_told_how_long() -> None:
    assert problems.Overloaded().headers == {"Retry-After": "1"}
    assert "Bearer" in problems.Unauthenticated().headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN", "zh"),
        ("zh-Hans-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.5, zh;q=0.4", "en"),
        ("fr, zh;q=0.1", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("*", "en"),
        ("zh;q=nonsense", "en"),
        ("zh;q=9", "en"),
    ],
)
def test_the_language_is_the_one_preferred(header: str | None, language: str) -> None:
    assert language_for(header) == language


@given(st.text())
def test_no_accept_language_breaks_the_choice(header: str) -> None:
    assert language_for(header) in ("en", "zh")
