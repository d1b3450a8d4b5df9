"""An explanation to be read out or printed: one language as text, both on a page that runs nothing."""

from datetime import date
from html.parser import HTMLParser
from uuid import UUID

from subsidy.programme_rules import Compiled
from subsidy.why_page_rules import page, text
from subsidy.why_run_rules import run_view
from subsidy.why_view_rules import Case, Question, View, WhyView, decide, why_view
from tests.unit.subsidy.test_why_words_rules import CHINESE
from tests.unit.subsidy.why_cases import REFERENCE_ON, SOMEBODY, examples, facts_of, known_facts, seventy


def explained(compiled: Compiled, case: Case, view: View = "auditor") -> WhyView:
    question = Question(view, SOMEBODY, UUID(int=9), "2026-07", REFERENCE_ON, 3, date(2026, 1, 1), due=True)
    run = run_view(None, [], [], {}, code=compiled.programme.code, now="not_in_run", now_fen=None)
    return why_view(question, compiled, [decide(compiled, case)], run)


class Tags(HTMLParser):
    """What a page is made of."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open, self.seen = list[str](), set[str]()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_example_is_a_page_and_a_text_in_each_language() -> None:
    for example in examples():
        why = explained(seventy()[example.programme], Case(facts_of(example)))
        whole = Tags(page(why, printed_on=REFERENCE_ON))
        assert whole.open == []
        assert not whole.seen & {"script", "link", "img", "iframe", "form"}
        english = text(why, "en")
        assert not CHINESE.search("".join(english.splitlines(keepends=True)[3:])), english
        assert len(CHINESE.findall(text(why, "zh"))) > 50


def test_a_word_in_a_programme_is_a_word_on_the_page() -> None:
    compiled = seventy()["B08"]
    evil = Compiled(
        compiled.programme.model_copy(update={"title_zh": "<script>alert(1)</script>", "law": "<b>&"}),
        compiled.eligibility,
        compiled.amount,
    )
    why = explained(evil, Case(known_facts({"is_alive": True, "hukou_local": True, "age_years": 85})))
    whole = page(why, printed_on=REFERENCE_ON)
    assert "<script>" not in whole
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in whole
    assert "&lt;b&gt;&amp;" in whole


def test_the_text_says_answer_conditions_facts_and_what_is_next() -> None:
    facts = known_facts({"is_alive": True, "hukou_local": True, "age_years": 79})
    told = text(explained(seventy()["B08"], Case(facts), "person"), "zh")
    assert "结论：不能享受：有条件不符合。" in told
    assert "✗ “年龄(周岁)”须不小于80周岁，现为79周岁。不符合。" in told
    assert "年龄(周岁)：79周岁，来源 a_system 2026-06-01 00:00Z" in told
    assert "下一步：" in told
    assert "规则原文" not in told
    assert "is_alive &&" in text(explained(seventy()["B08"], Case(facts)), "en")
