"""How an approved application changes the list: the item comes on it under a code of its own, or goes off it again."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from qingdan import gate
from qingdan.access_events import ItemCategory, ListItem
from qingdan.gate import Ask, TurnedDown
from qingdan.ids import DepartmentCode, ItemCode
from qingdan.tasks_events import AskKind, RefusalCode
from runtime.problems import Conflict
from tasks.application_rules import Wanted
from tasks.list_rules import Item, ListVersion

ROWS_MAX: Final = 500
"""How many items and negative entries a list has at most: its event carries the whole of it."""

_CODE = re.compile(r"AC([0-9]{2,9})")


class ListFull(Conflict):
    """This list has no room for another item. 该清单的条目数已达上限。

    Ask the operator to publish a version without what is asked no more. 请联系运维发布新版本，删去不再需要的事项。
    """


def next_code(ever_used: Iterable[ItemCode]) -> ItemCode:
    """The next code, as in `AC01`; one that was ever used is not given again."""
    numbers = [int(match[1]) for code in ever_used if (match := _CODE.fullmatch(code))]
    return f"AC{max(numbers, default=0) + 1:02d}"


def with_item(
    standing: ListVersion, version: int, wanted: Wanted, department: DepartmentCode, code: ItemCode, *, today: date
) -> ListVersion:
    """The version that follows `standing` with the item on it. Raises ListFull."""
    if len(standing.items) + len(standing.negative) >= ROWS_MAX:
        raise ListFull(rows_max=ROWS_MAX)
    item = Item.model_validate(
        {
            **wanted.model_dump(
                include={
                    *("title_zh", "title_en", "law", "article", "askers", "kinds", "asks_per_village_year_max"),
                    *("paid", "division", "valid_to"),
                }
            ),
            "code": code,
            "category": wanted.category.value,
            "owner_department": department,
            "hours_estimate": wanted.hours_estimate or 0,
            "inspect_on_completion": bool(wanted.inspect_on_completion),
            "valid_from": today,
        }
    )
    return ListVersion(standing.list_code, version, today, (*standing.items, item), standing.negative)


def without_item(standing: ListVersion, version: int, code: ItemCode, *, today: date) -> ListVersion | None:
    """The version that follows `standing` without the item; None when it is off the list already."""
    left = tuple(item for item in standing.items if item.code != code)
    if len(left) == len(standing.items):
        return None
    return ListVersion(standing.list_code, version, today, left, standing.negative)


@dataclass(frozen=True, slots=True)
class Clash:
    """An application falls under the negative list; no entry: what it wants are letters of responsibility."""

    entry: ListItem | None


def clash_with_negative(wanted: Wanted, department: DepartmentCode, standing: ListVersion) -> Clash | None:
    """Whether the negative list forbids what is wanted, by the gate's own words.

    Forms and certificates are judged by their wording: which of them are superfluous is for the reviewers to say.
    """
    published = standing.published()
    entries = [entry for entry in published.items if entry.category is ItemCategory.NEGATIVE]
    if AskKind.LETTER in wanted.kinds:
        return Clash(next((entry for entry in entries if AskKind.LETTER in entry.kinds), None))
    for kind in wanted.kinds:
        judged = AskKind.TASK if kind in (AskKind.FORM, AskKind.CERTIFICATE) else kind
        ask = Ask(department, judged, wanted.title_zh, wanted.title_en, None)
        for entry in entries:
            verdict = gate.decide(ask, published.model_copy(update={"items": (entry,)}))
            if isinstance(verdict, TurnedDown) and verdict.code is RefusalCode.NEGATIVE_LIST:
                return Clash(entry)
    return None
