"""An explanation to be read out or printed: plain text in one language, or one HTML page in both."""

from collections.abc import Iterator
from datetime import date
from html import escape
from typing import Final

from subsidy.why_titles_rules import Language, Said
from subsidy.why_view_rules import CaseView, ConditionView, FactView, WhyView

_MARKS: Final = {"true": "✓", "false": "✗", "unknown": "?", "fault": "!"}
_WORDS: Final[dict[str, Said]] = {
    "title": Said(zh="为什么", en="Why"),
    "month": Said(zh="月份", en="Month"),
    "version": Said(zh="规则版本", en="Rules of version"),
    "since": Said(zh="自{0}起施行", en="in force since {0}"),
    "law": Said(zh="依据", en="Legal basis"),
    "answer": Said(zh="结论", en="Answer"),
    "conditions": Said(zh="条件", en="Conditions"),
    "amount": Said(zh="金额", en="Amount"),
    "entitle": Said(zh="以下任何一种情形会使其符合条件", en="Any one of these would make it an entitlement"),
    "end": Said(zh="以下任何一种情形会使其不再符合条件", en="Any one of these would end the entitlement"),
    "facts": Said(zh="所用数据", en="Facts used"),
    "basis": Said(zh="数据口径", en="Basis"),
    "run": Said(zh="发放情况", en="What the run did"),
    "next": Said(zh="下一步", en="What happens next"),
    "rule": Said(zh="规则原文", en="The rule as published"),
    "source": Said(zh="来源", en="source"),
    "printed": Said(zh="打印日期", en="Printed on"),
    "note": Said(
        zh="数据由各部门提供，无需本人证明。", en="Departments provide the facts: nobody has to bring a certificate."
    ),
}
_ORIGINS: Final[dict[str, Said]] = {
    "no_row": Said(zh="登记库完整且无记录", en="its register is complete and has no row"),
    "own_payments": Said(zh="本系统发放记录", en="our own payments"),
}
_LATER: Final[dict[str, Said]] = {
    "told_again": Said(zh="其后再次报送，内容未变", en="told once more since, unchanged"),
    "changed": Said(zh="其后已更正或变动", en="corrected or changed since"),
}


def _in(words: Said, language: Language) -> str:
    return words.zh if language == "zh" else words.en


# -- plain text --------------------------------------------------------------------------------------------------------


def text(why: WhyView, language: Language) -> str:
    """The explanation to be read out, in one language."""

    def said(key: str) -> str:
        return _in(_WORDS[key], language)

    colon = "：" if language == "zh" else ": "
    since = said("since").format(why.effective_on)
    lines = [
        f"{_in(why.title, language)} ({why.programme}) · {said('month')} {why.period}",
        f"{said('version')} {why.programme_version} · {since}",
        f"{said('law')}{colon}{why.law or '—'}",
        _in(why.basis.said, language),
        "",
        f"{said('answer')}{colon}{_in(why.said, language)}",
    ]
    for case in why.cases:
        lines += ["", *_case_lines(case, language)]
    lines += ["", f"{said('run')}{colon}{_in(why.run.said, language)}"]
    lines += [f"  {each.period} {_in(each.said, language)}" for each in why.run.owed]
    if why.run.differs_said is not None:
        lines.append(_in(why.run.differs_said, language))
    lines.append(f"{said('next')}{colon}{_in(why.run.next, language)}")
    if why.eligibility is not None:
        lines += ["", f"{said('rule')}{colon}", f"  {why.eligibility}", f"  {why.amount_fen}"]
    return "\n".join([*lines, ""])


def _case_lines(case: CaseView, language: Language) -> Iterator[str]:
    colon = "：" if language == "zh" else ": "
    yield f"{_in(_WORDS['conditions'], language)}{colon}{_in(case.said, language)}"
    yield from _condition_lines(case.condition, language, 1)
    if case.amount is not None:
        yield _in(case.amount.said, language)
    for key, sets in (("entitle", case.would_entitle), ("end", case.would_end)):
        if sets:
            yield f"{_in(_WORDS[key], language)}{colon}".rstrip()
            yield from (f"  - {_in(each.said, language)}" for each in sets)
    yield f"{_in(_WORDS['facts'], language)}{colon}".rstrip()
    yield from (f"  - {_fact_line(fact, language)}" for fact in case.facts)


def _condition_lines(condition: ConditionView, language: Language, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{_MARKS[condition.verdict]} {_in(condition.said, language)}"
    for part in condition.parts:
        yield from _condition_lines(part, language, depth + 1)


def _fact_line(fact: FactView, language: Language) -> str:
    colon, comma = ("：", "，") if language == "zh" else (": ", ", ")
    said = f"{_in(fact.title, language)}{colon}{_in(fact.said, language)}"
    if fact.origin in _ORIGINS:
        said += f"{comma}{_in(_ORIGINS[fact.origin], language)}"
    if fact.system is not None and fact.source_time is not None:
        said += f"{comma}{_in(_WORDS['source'], language)} {fact.system} {fact.source_time:%Y-%m-%d %H:%M}Z"
    if fact.later is not None:
        said += f"{comma}{_in(_LATER[fact.later], language)}"
    return said


# -- one page ----------------------------------------------------------------------------------------------------------

# For A4 in black and white as well: signs and lines say everything, no ground is printed.
_STYLE: Final = """
@page { size: A4; margin: 18mm 18mm 20mm; @bottom-right { content: counter(page) " / " counter(pages);
  font: 8.5pt sans-serif; color: #555 } }
* { box-sizing: border-box }
body { font: 10.5pt/1.55 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", sans-serif;
  color: #111; max-width: 174mm; margin: 0 auto; padding: 10mm 0; overflow-wrap: anywhere }
h1 { font: bold 20pt/1.3 "Noto Serif CJK SC", "Source Han Serif SC", "STSong", "SimSun", serif; margin: 0;
  color: #14532d; border-bottom: .9mm solid #14532d; padding-bottom: 3mm }
h2 { font-size: 12pt; margin: 7mm 0 2mm; break-after: avoid }
p { margin: 1mm 0 } ul { list-style: none; margin: 0; padding-left: 5mm } li { margin: 1.5mm 0; break-inside: avoid }
[lang=en] { display: block; color: #444; font-size: .86em; font-weight: normal }
.answer { border: .5mm solid #14532d; padding: 3mm 5mm; margin-top: 5mm; font-size: 13pt; font-weight: bold }
.mark { display: inline-block; width: 5mm; margin-left: -5mm; font-weight: bold }
table { border-collapse: collapse; width: 100% } tr { break-inside: avoid }
th, td { border-bottom: .25mm solid #999; padding: 1.6mm 4mm 1.6mm 0; text-align: left; vertical-align: top }
th { font-weight: normal; width: 40% }
footer { margin-top: 9mm; border-top: .5mm solid #14532d; padding-top: 3mm; font-size: 8.5pt; color: #444 }
@media print { body { max-width: none; padding: 0 } }
"""


def page(why: WhyView, *, printed_on: date) -> str:
    """One HTML page for A4 in both languages; it holds no script and fetches nothing, and escapes every word."""
    since = _WORDS["since"]
    version = Said(
        zh=f"{why.programme_version}，{since.zh.format(why.effective_on)}",
        en=f"{why.programme_version}, {since.en.format(why.effective_on)}",
    )
    rows = [
        (_WORDS["month"], Said(zh=why.period, en="")),
        (_WORDS["version"], version),
        (_WORDS["law"], Said(zh=why.law or "—", en="")),
        (_WORDS["basis"], why.basis.said),
    ]
    rule = (
        f"{_heading('rule')}<p>{escape(why.eligibility)}</p><p>{escape(why.amount_fen or '')}</p>\n"
        if (why.eligibility is not None)
        else ""
    )
    differs = f"<p>{_both(why.run.differs_said)}</p>" if why.run.differs_said is not None else ""
    owed = "".join(f"<li>{each.period} {_both(each.said)}</li>" for each in why.run.owed)
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(why.programme)} {why.period}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(why.title.zh)} {escape(why.programme)}<span lang="en">{escape(why.title.en)}</span></h1>\n'
        f'<p class="answer">{_both(why.said)}</p>\n{_table(rows)}{"".join(map(_case, why.cases))}'
        f"{_heading('run')}<p>{_both(why.run.said)}</p><ul>{owed}</ul>{differs}\n"
        f"{_heading('next')}<p>{_both(why.run.next)}</p>\n{rule}"
        f"<footer><p>{_both(_WORDS['note'])}</p><p>{_both(_WORDS['printed'])} {printed_on.isoformat()}</p></footer>\n"
        "</body>\n</html>\n"
    )


def _case(case: CaseView) -> str:
    changes = "".join(
        f"{_heading(key)}<ul>{''.join(f'<li>{_both(each.said)}</li>' for each in sets)}</ul>\n"
        for key, sets in (("entitle", case.would_entitle), ("end", case.would_end))
        if sets
    )
    amount = f"{_heading('amount')}<p>{_both(case.amount.said)}</p>\n" if case.amount is not None else ""
    facts = [(fact.title, _fact_said(fact)) for fact in case.facts]
    return (
        f"{_heading('conditions')}<p>{_both(case.said)}</p><ul>{_condition(case.condition)}</ul>\n"
        f"{amount}{changes}{_heading('facts')}{_table(facts)}"
    )


def _condition(condition: ConditionView) -> str:
    parts = f"<ul>{''.join(map(_condition, condition.parts))}</ul>" if condition.parts else ""
    return f'<li><span class="mark">{_MARKS[condition.verdict]}</span>{_both(condition.said)}{parts}</li>'


def _fact_said(fact: FactView) -> Said:
    zh, en = (_fact_line(fact, language).split(sign, 1)[1] for language, sign in _AFTER_TITLE)
    return Said(zh=zh, en=en)


_AFTER_TITLE: Final[tuple[tuple[Language, str], ...]] = (("zh", "："), ("en", ": "))


def _table(rows: list[tuple[Said, Said]]) -> str:
    cells = "".join(f'<tr><th scope="row">{_both(name)}</th><td>{_both(said)}</td></tr>\n' for name, said in rows)
    return f"<table>\n<tbody>\n{cells}</tbody>\n</table>\n"


def _heading(key: str) -> str:
    return f"<h2>{_both(_WORDS[key])}</h2>\n"


def _both(words: Said) -> str:
    en = f'<span lang="en">{escape(words.en)}</span>' if words.en else ""
    return f"{escape(words.zh)}{en}"
