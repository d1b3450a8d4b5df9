"""The list as it stands on a day: its items, its negative entries, and what makes a new version unfit."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from qingdan.access_events import ItemCategory, ListItem, ListVersionTookEffect
from qingdan.ids import DepartmentCode, ItemCode, ListCode, Title
from qingdan.tasks_events import AskKind
from runtime.problems import Conflict, Invalid, NotFound

VILLAGE_LIST: Final = "village"
"""The list that the gate checks asks of villages against."""

_Line = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]


class NoListInForce(NotFound):
    """No version of this list is in force on that day. 该日没有生效的清单版本。"""


class ItemUnknown(NotFound):
    """The list in force on that day has no such item. 该日生效的清单中没有此事项。"""


class ListNotLater(Conflict):
    """A version takes effect on the same day as the one before it, or later. 生效日期不得早于上一版本。"""


class NotYetInEffect(Invalid):
    """A version is published on the day it takes effect, or afterwards. 清单版本须在生效当日或之后发布。"""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Item(_Row):
    """What a village may be asked: by whom, in what form, how often, on what legal basis."""

    code: ItemCode
    category: Literal["statutory", "assist", "qualified", "basic", "cooperate", "taken_back"]
    title_zh: Title
    title_en: Title
    law: _Line = ""
    article: _Line = ""
    owner_department: DepartmentCode
    askers: Annotated[tuple[DepartmentCode, ...], Field(min_length=1, max_length=100)]
    kinds: Annotated[tuple[AskKind, ...], Field(min_length=1, max_length=11)]
    asks_per_village_year_max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    hours_estimate: Annotated[int, Field(ge=0, le=10_000, description="of one person, per ask")]
    inspect_on_completion: bool
    paid: Annotated[bool, Field(description="the means go with the work")]


class NegativeEntry(_Row):
    """What may never be asked of a village."""

    code: ItemCode
    kind: AskKind
    title_zh: Title
    title_en: Title


@dataclass(frozen=True, slots=True)
class ListVersion:
    """One whole version of a list."""

    list_code: ListCode
    version: int
    effective_on: date
    items: tuple[Item, ...]
    negative: tuple[NegativeEntry, ...]

    def item(self, code: str | None) -> Item | None:
        """The item of that code, if this version has it."""
        return next((item for item in self.items if item.code == code), None)


def take_effect(proposed: ListVersion, before: date | None, *, today: date) -> ListVersionTookEffect:
    """The event of a new version; `before` is when the version before it took effect.

    Raises Invalid naming each unfit row, NotYetInEffect, ListNotLater.
    """
    if errors := [*_double(proposed), *_letters(proposed.items)]:
        raise Invalid(errors=errors[:100])
    if proposed.effective_on > today:
        raise NotYetInEffect(today=str(today))
    if before is not None and proposed.effective_on < before:
        raise ListNotLater(effective_on_min=str(before))
    return ListVersionTookEffect(
        list_code=proposed.list_code,
        version=proposed.version,
        effective_on=proposed.effective_on,
        items=(*map(_published, proposed.items), *map(_published_negative, proposed.negative)),
    )


def _double(proposed: ListVersion) -> Iterable[dict[str, str]]:
    rows = [(f"/items/{at}/code", item.code) for at, item in enumerate(proposed.items)]
    rows += [(f"/negative/{at}/code", entry.code) for at, entry in enumerate(proposed.negative)]
    often = Counter(code for _, code in rows)
    for pointer, code in rows:
        if often[code] > 1:
            yield _error(pointer, "double", "Another row has this code.", "另一行使用了相同的代码。")


def _letters(items: Iterable[Item]) -> Iterable[dict[str, str]]:
    for at, item in enumerate(items):
        if AskKind.LETTER in item.kinds:
            yield _error(
                f"/items/{at}/kinds",
                "letter",
                "No item may ask for letters of responsibility.",
                "任何事项都不得要求签订责任状。",
            )


def _error(pointer: str, code: str, message: str, message_zh: str) -> dict[str, str]:
    return {"in": "body", "pointer": pointer, "code": code, "message": message, "message_zh": message_zh}


def _published(item: Item) -> ListItem:
    return ListItem(
        code=item.code,
        category=ItemCategory(item.category),
        title_zh=item.title_zh,
        title_en=item.title_en,
        askers=item.askers,
        kinds=item.kinds,
        inspect_on_completion=item.inspect_on_completion,
    )


def _published_negative(entry: NegativeEntry) -> ListItem:
    return ListItem(
        code=entry.code,
        category=ItemCategory.NEGATIVE,
        title_zh=entry.title_zh,
        title_en=entry.title_en,
        askers=(),
        kinds=(entry.kind,),
        inspect_on_completion=False,
    )
