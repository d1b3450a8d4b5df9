"""What a month's run changes beside the month before: who is new, who stops, whose amount is another, and why."""

from typing import Final, Literal

ChangeKind = Literal["new", "stopped", "changed"]
ChangeReason = Literal[
    "first_time",
    "back",
    "was_excluded",
    "was_undetermined",
    "excluded",
    "undetermined",
    "died",
    "moved",
    "rule_changed",
    "facts_changed",
]
AnomalyKind = Literal[
    "dead", "doubled", "nobody_receives", "shared_account", "amount_jumped", "beyond_year_cap", "conflict"
]

LOOK_BACK_MONTHS: Final = 13
"""A yearly programme is compared with the year before; what was not due for longer has nothing to be compared with."""
JUMP: Final = 3
"""So many times the amount of before is looked at: allowances rise by a tenth a year, mistakes by a digit."""
SHARED_MIN: Final = 3
"""A guardian's account serves a child or two; from so many people on somebody looks."""

REASONS: Final[dict[ChangeReason, tuple[str, str]]] = {
    "first_time": ("首次享受", "the first time"),
    "back": ("恢复享受", "had it before, and has it again"),
    "was_excluded": ("上期因互斥未发", "stood back for another programme before"),
    "was_undetermined": ("上期数据不全", "facts were missing before"),
    "excluded": ("本期因互斥让位于其他项目", "stands back for another programme now"),
    "undetermined": ("本期数据缺失，无法认定", "facts are missing now that would decide"),
    "died": ("已故", "died"),
    "moved": ("户籍已迁出", "is registered elsewhere now"),
    "rule_changed": ("规则有变", "the rule was changed"),
    "facts_changed": ("数据有变", "a fact changed: ask why, for both months"),
}
ANOMALIES: Final[dict[AnomalyKind, tuple[str, str]]] = {
    "dead": (
        "应发对象或收款人在登记中已故，请核实后暂停发放",
        "the beneficiary or who would receive is dead by the registers: find out, and hold the item",
    ),
    "doubled": (
        "同一公民身份号码登记为多人，可能重复发放，请核实后只保留一人",
        "several people of the registers have one resident ID: find out who it is, and hold the items of the others",
    ),
    "nobody_receives": (
        "没有可收款的人，款项将列为应付",
        "nobody is known who could receive it: it will stay payable",
    ),
    "shared_account": (
        "多人共用一个账户，可能是代领，请核实",
        "several people are paid to one account: a guardian's, or something to look into",
    ),
    "amount_jumped": (
        "金额为上期三倍以上，请核对数据",
        "three times the amount of before, or more: look at the facts",
    ),
    "beyond_year_cap": (
        "超出项目年度封顶额，冻结将被拒绝；请在新版本的规则中写明如何发放，或提高封顶额",
        "beyond the programme's cap for the year: say in the rule what is paid then, or raise the cap; else no freeze",
    ),
    "conflict": (
        "互斥项目同时应发，属系统错误，请勿冻结",
        "two programmes that exclude each other both stand: an error of ours, do not freeze this run",
    ),
}
