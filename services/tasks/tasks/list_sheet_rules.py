"""A list as sheets of a workbook: the rows that can be imported again, and beside them what the words mean."""

from collections.abc import Sequence
from typing import Final

from qingdan.tasks_events import AskKind
from tasks.list_file_rules import COLUMNS, SHEET, cells_of
from tasks.list_rules import CATEGORIES, ListVersion
from tasks.workbook_rules import Cell, Sheet

_WORDS_SHEET: Final = "说明"

# Column: its width in characters, what it is called, and what is written there.
_SAID: Final = {
    "code": (9, "代码", "Code", "大写字母开头，如 RS01。", "Begins with a capital letter, as RS01."),
    "category": (12, "类别", "Category", "见下方“类别”。", "One of the categories below."),
    "title_zh": (34, "事项名称", "Title in Chinese", "至多 200 字。", "At most 200 characters."),
    "title_en": (40, "英文名称", "Title in English", "至多 200 字。", "At most 200 characters."),
    "law": (30, "法律法规", "Law", "可留空。", "May be empty."),
    "article": (18, "条款", "Article", "可留空。", "May be empty."),
    "owner_department": (12, "主责部门", "Owner department", "部门代码。", "A department's code."),
    "askers": (16, "可布置部门", "Who may ask", "部门代码，以分号分隔。", "Departments' codes, semicolons between."),
    "kinds": (16, "可用形式", "Forms of asking", "见下方“形式”，以分号分隔。", "Kinds below, semicolons between."),
    "asks_per_village_year_max": (
        12,
        "每村每年至多次数",
        "Asks per village and year",
        "留空为不限。",
        "Empty: no limit.",
    ),
    "hours_estimate": (
        10,
        "预计工时",
        "Estimated hours",
        "一人一次的小时数，整数。",
        "Of one person per ask, whole hours.",
    ),
    "inspect_on_completion": (12, "完成须核查", "Inspected on completion", "TRUE 或 FALSE。", "TRUE or FALSE."),
    "paid": (9, "有经费", "Means go with it", "TRUE 或 FALSE。", "TRUE or FALSE."),
    "latest_working_days": (
        12,
        "法定最迟工作日",
        "Statutory limit",
        "自布置起，留空为无。",
        "Working days; empty: none.",
    ),
    "division": (16, "适用区划", "Division", "12 位代码，留空为全部。", "Code of 12 digits; empty: all."),
    "valid_from": (12, "有效期起", "Valid from", "日期，可留空。", "A date; may be empty."),
    "valid_to": (12, "有效期止", "Valid to", "当日仍有效，可留空。", "The last day; may be empty."),
}
_CATEGORIES: Final = {
    "statutory": ("依法履职", "Statutory duty"),
    "assist": ("依法协助政府", "Assists the government"),
    "qualified": ("创造条件和保留", "Qualified and reserved"),
    "basic": ("基本履职（乡镇）", "Basic duty of a township"),
    "cooperate": ("配合履职（乡镇）", "Township cooperates"),
    "taken_back": ("上级部门收回", "Taken back by the department above"),
    "negative": ("负面清单：不得要求", "Never to be asked"),
}
_KINDS: Final = {
    AskKind.TASK: ("任务", "Task"),
    AskKind.FORM: ("报表", "Form"),
    AskKind.CERTIFICATE: ("证明", "Certificate"),
    AskKind.VISIT: ("入户走访或现场检查", "Visit"),
    AskKind.SIGN: ("牌子", "Sign"),
    AskKind.DOCUMENT: ("文件", "Document"),
    AskKind.MEETING: ("会议", "Meeting"),
    AskKind.SECONDMENT: ("借调", "Secondment"),
    AskKind.APP: ("政务应用、工作群", "App or work group"),
    AskKind.DEMONSTRATION: ("示范创建活动", "Demonstration activity"),
    AskKind.LETTER: ("责任状（任何事项不得采用）", "Letter of responsibility (no item may)"),
}
_YES_NO: Final = ("TRUE", "FALSE")


def sheets_of(version: ListVersion) -> tuple[Sheet, Sheet]:
    """The sheet that is read again, with the header of the CSV file, and one that explains it."""
    fitting = [*CATEGORIES.get(version.list_code, _CATEGORIES), "negative"]
    choices: dict[int, Sequence[str]] = {
        COLUMNS.index("category"): list(dict.fromkeys(fitting)),
        COLUMNS.index("inspect_on_completion"): _YES_NO,
        COLUMNS.index("paid"): _YES_NO,
    }
    widths = [_SAID[name][0] for name in COLUMNS]
    rows = Sheet(SHEET, COLUMNS, cells_of(version), widths, frozen_columns=1, choices=choices)
    return rows, _words(version)


def _words(version: ListVersion) -> Sheet:
    title: list[list[Cell]] = [
        ["清单", version.list_code, "List", "", ""],
        ["版本", version.version, "Version", "", ""],
        ["生效日期", version.effective_on, "Takes effect on", "", ""],
    ]
    columns: list[list[Cell]] = [[name, zh, en, how_zh, how_en] for name, (_, zh, en, how_zh, how_en) in _SAID.items()]
    categories: list[list[Cell]] = [[word, zh, en, "类别", "category"] for word, (zh, en) in _CATEGORIES.items()]
    kinds: list[list[Cell]] = [[kind.value, zh, en, "形式", "kind"] for kind, (zh, en) in _KINDS.items()]
    return Sheet(
        _WORDS_SHEET,
        ("word", "中文", "English", "填写说明", "How to write it"),
        [*title, *columns, *categories, *kinds],
        (28, 26, 34, 30, 40),
        frozen_columns=1,
    )
