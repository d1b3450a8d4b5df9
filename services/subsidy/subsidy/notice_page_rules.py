"""A public notice to be printed and put up: a page of its own for each village, in both languages."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from html import escape
from itertools import groupby
from typing import Final

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode
from qingdan.money import Fen
from qingdan.subsidy_events import Period
from runtime.problems import Refusal
from subsidy.why_titles_rules import Said, yuan

PRINTED_MAX: Final = 5_000
"""Items on one print: some 150 sheets. A village has fewer; of a whole county nobody prints one document."""


class TooMuchToPrint(Refusal):
    """This notice is too long to be printed as one. 公示名单过长，无法一次打印。

    Name a township or a village by `division`, or one `programme`. 请用 division 指定乡镇或村，或指定 programme。
    """

    status = 422


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands over every page. until: the last day on which somebody can object; None: an older version froze it
    and named none."""

    county_name: str
    period: Period
    programme_version: int
    until: date | None


@dataclass(frozen=True, slots=True)
class Line:
    """One item as it is printed: name masked already, or None, and then `nameless` says why; occurrence None where it
    would name somebody."""

    division: DivisionCode
    division_name: str
    programme: ProgrammeCode
    title: Said
    law: str
    name: str | None
    nameless: str | None
    occurrence: str | None
    amount_fen: Fen
    item: str


_WORDS: Final[dict[str, Said]] = {
    "title": Said(zh="惠民补贴发放公示", en="Public notice of subsidies"),
    "month": Said(zh="发放月份", en="Month"),
    "until": Said(zh="公示截止", en="Objections until"),
    "version": Said(zh="规则版本", en="Rules of version"),
    "sum": Said(zh="合计", en="Total"),
    "law": Said(zh="依据", en="Legal basis"),
    "number": Said(zh="序号", en="No."),
    "name": Said(zh="姓名", en="Name"),
    "occurrence": Said(zh="期次", en="For"),
    "amount": Said(zh="金额（元）", en="Yuan"),
    "item": Said(zh="公示编号", en="Number of the item"),
    "none": Said(zh="不公示", en="not published"),
    "object": Said(
        zh="如有异议，请于{0}前（含当日）向村民委员会、乡镇人民政府或县财政部门提出，并说明公示编号。"
        "只有被提出异议的款项暂停发放，其他款项不受影响；提出异议无需任何证明。",
        en="Whoever objects tells the village committee, the township or the county's finance by {0}, that day"
        " included, and names the number of the item. That item alone waits until it is decided on; no"
        " certificate is needed.",
    ),
    "masked": Said(
        zh="姓名已作脱敏处理；身份证号、账号、电话一律不公示。",
        en="Names are masked; no identity number, account or telephone is ever published.",
    ),
    "printed": Said(zh="打印日期", en="Printed on"),
    "nothing": Said(zh="本次公示没有任何款项。", en="There is nothing in this notice."),
}

# For A4 in black and white: lines say everything, no ground is printed. A village begins on a sheet of its own, and the
# heads of a table stand on each.
_STYLE: Final = """
@page { size: A4; margin: 16mm 16mm 18mm; @bottom-right { content: counter(page) " / " counter(pages);
  font: 8.5pt sans-serif; color: #555 } }
* { box-sizing: border-box }
body { font: 10.5pt/1.5 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", sans-serif;
  color: #111; max-width: 178mm; margin: 0 auto; padding: 10mm 0; overflow-wrap: anywhere }
section { break-after: page } section:last-of-type { break-after: auto }
h1 { font: bold 20pt/1.3 "Noto Serif CJK SC", "Source Han Serif SC", "STSong", "SimSun", serif; margin: 0;
  text-align: center }
h2 { font-size: 15pt; text-align: center; margin: 2mm 0 4mm; border-bottom: .7mm solid #111; padding-bottom: 3mm }
h3 { font-size: 12pt; margin: 6mm 0 1mm; break-after: avoid }
p { margin: 1mm 0 } .law, .why { break-after: avoid }
[lang=en] { color: #444; font-size: .82em; font-weight: normal; margin-left: 1.2mm }
h1 [lang=en], h2 [lang=en] { display: block; margin: 0 }
dl { display: flex; flex-wrap: wrap; gap: 1mm 8mm; margin: 0 } dl div { display: flex; gap: 2mm } dd { margin: 0 }
dd { font-weight: bold }
table { border-collapse: collapse; width: 100%; margin-top: 1.5mm } thead { display: table-header-group }
tr { break-inside: avoid }
th, td { border: .25mm solid #777; padding: 1mm 2mm; text-align: left; vertical-align: top }
th { font-weight: bold } th [lang=en] { display: block; margin: 0 }
.no { width: 14mm } .amount { text-align: right; width: 30mm; font-variant-numeric: tabular-nums }
.item { width: 44mm } td.item { font-family: monospace; font-size: .9em } tfoot td { font-weight: bold }
tfoot { display: table-row-group }
aside { border: .5mm solid #111; padding: 3mm 4mm; margin-top: 7mm; break-inside: avoid }
aside [lang=en] { display: block; margin: 1mm 0 0 } aside .on [lang=en] { display: inline; margin: 0 1.2mm }
@media print { body { max-width: none; padding: 0 } }
@media screen { section { border-bottom: .5mm dashed #999; padding-bottom: 8mm; margin-bottom: 8mm } }
"""

POLICY: Final = (
    "default-src 'none'; style-src 'sha256-" + b64encode(sha256(_STYLE.encode()).digest()).decode() + "';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy under which the page is as it should be: this very style sheet, and nothing else."""


def page(heading: Heading, lines: Sequence[Line], *, printed_on: date) -> str:
    """One HTML document for A4, a village after the other; `lines` are in the order of villages and programmes. It
    holds no script and fetches nothing, and escapes every word."""
    villages = [(code, list(of)) for code, of in groupby(lines, key=lambda line: line.division)]
    sections = "".join(_village(heading, of, printed_on) for _, of in villages)
    nothing = f"<section>{_title(heading.county_name)}<p>{_both(_WORDS['nothing'])}</p></section>\n"
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(heading.county_name)} {heading.period} {_WORDS['title'].zh}</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{sections or nothing}</body>\n</html>\n"
    )


def _village(heading: Heading, lines: list[Line], printed_on: date) -> str:
    total_fen = sum(line.amount_fen for line in lines)
    until = heading.until.isoformat() if heading.until is not None else "—"
    about = [
        (_WORDS["month"], heading.period),
        (_WORDS["until"], until),
        (_WORDS["sum"], f"{len(lines)} · ¥{yuan(total_fen)}"),
        (_WORDS["version"], str(heading.programme_version)),
    ]
    facts = "".join(f"<div><dt>{_both(name)}</dt><dd>{escape(said)}</dd></div>" for name, said in about)
    tables = "".join(
        "".join(_programme(list(of))) for _, of in groupby(lines, key=lambda line: (line.programme, line.title.zh))
    )
    objecting = Said(zh=_WORDS["object"].zh.format(until), en=_WORDS["object"].en.format(until))
    return (
        f"<section>\n{_title(heading.county_name, lines[0].division_name)}<dl>{facts}</dl>\n{tables}"
        f"<aside><p>{_both(objecting)}</p><p>{_both(_WORDS['masked'])}</p>"
        f'<p class="on">{_both(_WORDS["printed"])} {printed_on.isoformat()}</p></aside>\n</section>\n'
    )


def _title(county_name: str, village_name: str = "") -> str:
    of = f"{escape(county_name)} · {escape(village_name)}" if village_name else escape(county_name)
    return f"<h1>{_both(_WORDS['title'])}</h1>\n<h2>{of}</h2>\n"


def _programme(lines: list[Line]) -> Iterator[str]:
    first = lines[0]
    yield f"<h3>{_both(first.title)} {escape(first.programme)}</h3>\n"
    yield f'<p class="law">{_both(_WORDS["law"])} {escape(first.law or "—")}</p>\n'
    if whole := next((line.nameless for line in lines if line.nameless), None):
        yield f'<p class="why">{escape(whole)}</p>\n'
    heads = "".join(
        f'<th scope="col" class="{name}">{_both(_WORDS[key])}</th>'
        for key, name in (
            ("number", "no"),
            ("name", "name"),
            ("occurrence", "for"),
            ("amount", "amount"),
            ("item", "item"),
        )
    )
    yield f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    for number, line in enumerate(lines, 1):
        name = escape(line.name) if line.name else _both(_WORDS["none"])
        yield (
            f'<tr><td class="no">{number}</td><td>{name}</td><td>{escape(line.occurrence or "—")}</td>'
            f'<td class="amount">{yuan(line.amount_fen)}</td><td class="item">{escape(line.item)}</td></tr>\n'
        )
    total = yuan(sum(line.amount_fen for line in lines))
    yield f'</tbody>\n<tfoot><tr><td colspan="3">{_both(_WORDS["sum"])}</td><td class="amount">{total}</td>'
    yield "<td></td></tr></tfoot>\n</table>\n"


def _both(words: Said) -> str:
    return f'{escape(words.zh)}<span lang="en">{escape(words.en)}</span>'
