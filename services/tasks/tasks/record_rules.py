"""The record of a claim as one printed page: it stands in place of a letter of responsibility, and nobody signs it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Final

from runtime.problems import Refusal


class NothingClaimed(Refusal):
    """There is no claim to print: the village has not claimed this share. 该任务份额尚未认领，无记录可打印。"""

    status = 409


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """One later limit of the village's own, in working days, and why."""

    changed_on: date
    limit_before: int
    limit_after: int
    due_after: date
    reason: str


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
    changes: Sequence[LimitChanged]


_STYLE: Final = """
@page { size: A4; margin: 20mm }
body { font: 11pt/1.5 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", sans-serif; color: #000;
       max-width: 170mm; margin: 0 auto; padding: 10mm 0 }
h1 { font-size: 18pt; margin: 0 } h2 { font-size: 12pt; margin: 8mm 0 2mm }
table { border-collapse: collapse; width: 100% } th, td { border: .3mm solid #666; padding: 1.5mm 2mm; text-align: left;
        vertical-align: top; overflow-wrap: anywhere } tr { break-inside: avoid } .of > tbody > tr > th { width: 32% }
footer { margin-top: 8mm; border-top: .5mm solid #000; padding-top: 3mm } small { color: #333 }
@media print { body { max-width: none; padding: 0 } }
"""


def page(record: ClaimRecord, *, printed_on: date) -> str:
    """One HTML page for A4, in both languages; it holds no script and fetches nothing, and escapes every word."""
    on_list = f"{record.item} · {record.list_version}" if record.item else "—"
    due = record.due_on.isoformat()
    if record.provisional:
        due += " (暂定，待国务院公布放假安排 provisional until the official calendar is announced)"
    rows = [
        ("任务", "Task", f"{record.title_zh} / {record.title_en}"),
        ("认领村", "Claimed by", f"{record.village_name} {record.village_code}"),
        ("提出部门", "Asked by", record.department),
        ("清单事项 · 版本", "Item of the list · version", on_list),
        ("法律依据", "Legal basis", record.basis or "—"),
        ("发布日期", "Published on", record.published_on.isoformat()),
        ("认领日期", "Claimed on", record.claimed_on.isoformat()),
        ("自定时限（工作日）", "Own limit, working days", str(record.limit_working_days)),
        ("到期日", "Due on", due),
        ("法定最晚日期", "Statutory latest date", record.latest_on.isoformat() if record.latest_on else "—"),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>任务认领记录 {escape(record.share)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>任务认领记录</h1>\n<p>Record of a claim<br><small>{escape(record.share)}</small></p>\n"
        f'<table class="of">\n<tbody>\n{_rows(rows)}</tbody>\n</table>\n{_history(record.changes)}'
        "<footer>\n<p>认领即为凭据，无须签订责任书。<br>"
        "The claim is the record: no letter of responsibility is signed.</p>\n"
        f"<p><small>打印日期 Printed on {printed_on.isoformat()}</small></p>\n</footer>\n</body>\n</html>\n"
    )


def _rows(rows: Iterable[tuple[str, str, str]]) -> str:
    return "".join(
        f'<tr><th scope="row">{zh}<br><small>{en}</small></th><td>{escape(value)}</td></tr>\n' for zh, en, value in rows
    )


def _history(changes: Sequence[LimitChanged]) -> str:
    if not changes:
        return "<p>时限未变更。<br><small>The limit has not been changed.</small></p>\n"
    cells = "".join(
        f"<tr><td>{change.changed_on.isoformat()}</td><td>{change.limit_before} → {change.limit_after}</td>"
        f"<td>{change.due_after.isoformat()}</td><td>{escape(change.reason)}</td></tr>\n"
        for change in changes
    )
    return (
        "<h2>时限变更 Changes of the limit</h2>\n<table>\n<thead><tr><th>日期<br><small>On</small></th>"
        "<th>工作日<br><small>Working days</small></th><th>到期日<br><small>Due on</small></th>"
        f"<th>理由<br><small>Reason</small></th></tr></thead>\n<tbody>\n{cells}</tbody>\n</table>\n"
    )
