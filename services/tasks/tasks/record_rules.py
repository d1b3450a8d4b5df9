"""The record of a claim as one printed page: it stands in place of a letter of responsibility, and nobody signs it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Final

from runtime.problems import Refusal


class NothingClaimed(Refusal):
    """There is no claim to print: the village has not claimed this share. 该任务份额尚未认领，无记录可打印。"""

    status = 409


ROWS_MAX: Final = 50
"""How many changes of the limit, and how many pauses, one record shows: the latest."""


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """One later limit in working days, and why; code: `own`, the village's, or `extension`, one that was granted."""

    changed_on: date
    limit_before: int
    limit_after: int
    due_after: date
    reason: str
    code: str = "own"


@dataclass(frozen=True, slots=True)
class PauseTaken:
    """The clock stood still, waiting for others; the last two are None while it still does."""

    waiting_for: str
    paused_on: date
    resumed_on: date | None
    paused_working_days: int | None


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """What a village claimed, of whom, on what basis, and by when; limit in working days."""

    share: str
    village_code: str
    village_name: str
    department: str
    title_zh: str
    title_en: str
    published_on: date
    item: str | None
    list_version: int | None
    basis: str | None
    claimed_on: date
    limit_working_days: int
    due_on: date
    provisional: bool
    latest_on: date | None
    changes: Sequence[LimitChanged] = ()
    pauses: Sequence[PauseTaken] = ()
    pauses_in_all: int = 0
    paused_working_days: int = 0


_LONG_TITLE_CHARS: Final = 36
_HOLDERS: Final = {
    "department": ("部门", "department"),
    "county": ("县", "county"),
    "supervision": ("督查组", "supervision team"),
    "weather": ("天气", "weather"),
}
_CODES: Final = {"own": ("村自行调整", "by the village"), "extension": ("准予延期", "extension granted")}

# For A4 in black and white as well: lines and sizes say everything, no ground is printed. The faces are those that
# people's machines have.
_STYLE: Final = """
@page { size: A4; margin: 18mm 18mm 20mm; @bottom-right { content: counter(page) " / " counter(pages);
  font: 8.5pt sans-serif; color: #555 } }
* { box-sizing: border-box }
html { -webkit-text-size-adjust: none }
body { font: 10.5pt/1.55 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", sans-serif;
  color: #111; max-width: 174mm; margin: 0 auto; padding: 10mm 0; overflow-wrap: anywhere }
h1, .task, .number { font-family: "Noto Serif CJK SC", "Source Han Serif SC", "STSong", "SimSun", serif }
[lang=en] { color: #444; font-size: .86em; font-weight: normal }
header { display: flex; justify-content: space-between; align-items: flex-end; gap: 8mm;
  border-bottom: .9mm solid #14532d; padding-bottom: 3mm }
h1 { font-size: 23pt; line-height: 1.2; letter-spacing: .12em; margin: 0; color: #14532d; white-space: nowrap }
h1 [lang=en] { display: block; font-size: 10.5pt; letter-spacing: .02em; margin-top: 1.2mm }
.village { text-align: right; font-size: 14pt; font-weight: bold; line-height: 1.3 }
.village small { display: block; font-size: 8.5pt; font-weight: normal; color: #444 }
.task { font-size: 19pt; line-height: 1.35; font-weight: bold; margin: 8mm 0 1mm }
.long .task { font-size: 14pt }
.task + p { margin: 0 0 6mm; font-size: 11pt }
.limit { display: flex; border: .5mm solid #14532d; break-inside: avoid }
.limit > div { flex: 1; padding: 4mm 6mm }
.limit > div + div { border-left: .3mm solid #14532d }
.limit p { margin: 0 }
.number { font-size: 46pt; line-height: 1.1; font-weight: bold; color: #14532d; white-space: nowrap }
.number small { font-size: 14pt; margin-left: 2mm }
.day { font-size: 22pt }
.number.day { line-height: 46pt }
.hint { font-size: 8.5pt; color: #444 }
h2 { font-size: 12pt; margin: 8mm 0 2mm; break-after: avoid }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: .25mm solid #999; padding: 1.6mm 4mm 1.6mm 0; text-align: left; vertical-align: top }
thead th { border-bottom: .4mm solid #111; line-height: 1.3; font-size: 9.5pt; white-space: nowrap }
thead th [lang=en] { display: block }
tr { break-inside: avoid }
.facts { margin-top: 6mm } .facts th { width: 44%; font-weight: normal; color: #333 } .facts td { font-weight: 500 }
.days { white-space: nowrap } .days [lang=en] { display: block }
.none { color: #444 }
footer { margin-top: 10mm; border-top: .5mm solid #14532d; padding-top: 3mm; break-inside: avoid }
footer p { margin: 0 } footer p + p { margin-top: 2mm }
footer b { font-size: 12pt }
@media print { body { max-width: none; padding: 0 } }
"""


def page(record: ClaimRecord, *, printed_on: date) -> str:
    """One HTML page for A4, in both languages; it holds no script and fetches nothing, and escapes every word."""
    on_list = f"{record.item} · {record.list_version}" if record.item else "—"
    facts = [
        ("提出部门", "Asked by", record.department),
        ("清单事项 · 版本", "Item of the list · version", on_list),
        ("法律依据", "Legal basis", record.basis or "—"),
        ("发布日期", "Published on", _day(record.published_on)),
        ("认领日期", "Claimed on", _day(record.claimed_on)),
        ("法定最晚日期", "Statutory latest date", _day(record.latest_on) if record.latest_on else "—"),
    ]
    size = "long" if len(record.title_zh) > _LONG_TITLE_CHARS else "usual"
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>任务认领记录 {escape(record.share)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f'<body class="{size}">\n<header>\n<h1>任务认领记录{_en("Record of a claim")}</h1>\n'
        f'<div class="village">{escape(record.village_name)}<small>{escape(record.village_code)}</small></div>\n'
        f'</header>\n<p class="task">{escape(record.title_zh)}</p>\n<p lang="en">{escape(record.title_en)}</p>\n'
        f'{_limit(record)}<table class="facts">\n<tbody>\n{_rows(facts)}</tbody>\n</table>\n'
        f"{_changes(record.changes)}{_pauses(record)}"
        "<footer>\n<p><b>认领即为凭据，无须另立文书。</b><br>"
        f"{_en('The claim is the record: no other paper is needed.')}</p>\n"
        f'<p class="hint">{escape(record.share)} · 打印日期 Printed on {_day(printed_on)}</p>\n'
        "</footer>\n</body>\n</html>\n"
    )


def _limit(record: ClaimRecord) -> str:
    """What the village set itself, large, and the day that follows from it."""
    moved = []
    if record.provisional:
        moved.append("暂定，待国务院公布放假安排 Provisional until the official calendar is announced")
    if record.paused_working_days:
        moved.append(
            f"含等待他方的 {record.paused_working_days} 个工作日"
            f" Including {record.paused_working_days} working days of waiting for others"
        )
    hints = "".join(f'<p class="hint">{each}</p>' for each in moved)
    return (
        f'<div class="limit">\n<div><p>自定时限 {_en("Own time limit, set by the village")}</p>'
        f'<p class="number">{record.limit_working_days}<small>个工作日 {_en("working days")}</small></p></div>\n'
        f'<div><p>到期日 {_en("Due on")}</p><p class="number day">{_day(record.due_on)}</p>{hints}</div>\n</div>\n'
    )


def _rows(facts: Iterable[tuple[str, str, str]]) -> str:
    return "".join(f'<tr><th scope="row">{zh} {_en(en)}</th><td>{escape(value)}</td></tr>\n' for zh, en, value in facts)


def _changes(changes: Sequence[LimitChanged]) -> str:
    heading = f"<h2>时限变更 {_en('Changes of the limit')}</h2>\n"
    if not changes:
        return f'{heading}<p class="none">时限未变更。 {_en("The limit has not been changed.")}</p>\n'
    columns = (("日期", "On"), ("工作日", "Working days"), ("到期日", "Due on"), ("由来", "By"), ("理由", "Reason"))
    cells = "".join(
        f'<tr><td class="days">{_day(change.changed_on)}</td>'
        f'<td class="days">{change.limit_before} → {change.limit_after}</td>'
        f'<td class="days">{_day(change.due_after)}</td><td class="days">{_both(_CODES, change.code)}</td>'
        f"<td>{escape(change.reason)}</td></tr>\n"
        for change in changes
    )
    return heading + _table(columns, cells)


def _pauses(record: ClaimRecord) -> str:
    """Nothing at all where the clock never stood still."""
    if not record.pauses:
        return ""
    columns = (("等待", "Waiting for"), ("自", "From"), ("至", "To"), ("工作日", "Working days"))
    cells = "".join(
        f'<tr><td>{_both(_HOLDERS, pause.waiting_for)}</td><td class="days">{_day(pause.paused_on)}</td>'
        f'<td class="days">{_day(pause.resumed_on) if pause.resumed_on else "—"}</td>'
        f"<td>{'—' if pause.paused_working_days is None else pause.paused_working_days}</td></tr>\n"
        for pause in record.pauses
    )
    left_out = record.pauses_in_all - len(record.pauses)
    earlier = (
        f'<p class="hint">此前另有 {left_out} 次，未列出。 {left_out} earlier ones are not shown.</p>\n'
        if left_out
        else ""
    )
    return f"<h2>等待他方，不计入时限 {_en('Waiting for others: the clock stood still')}</h2>\n{earlier}" + _table(
        columns, cells
    )


def _table(columns: Iterable[tuple[str, str]], cells: str) -> str:
    headings = "".join(f'<th scope="col">{zh}{_en(en)}</th>' for zh, en in columns)
    return f"<table>\n<thead><tr>{headings}</tr></thead>\n<tbody>\n{cells}</tbody>\n</table>\n"


def _both(words: Mapping[str, tuple[str, str]], code: str) -> str:
    """A code in both languages; one that came later than this page stands for itself."""
    zh, en = words.get(code, (code, ""))
    return f"{escape(zh)} {_en(en)}" if en else escape(zh)


def _en(words: str) -> str:
    return f'<span lang="en">{words}</span>'


def _day(day: date) -> str:
    return day.isoformat()
