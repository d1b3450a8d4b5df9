"""The list as it stands on a day: its items, its negative entries, and what makes a new version unfit."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from qingdan.access_events import ItemCategory, ListItem, ListVersionTookEffect
from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, ItemCode, ListCode, Title
from qingdan.tasks_events import AskKind
from runtime.problems import Conflict, Invalid, NotFound

VILLAGE_LIST: Final = "village"
"""The list that the gate checks asks of villages against."""
TOWNSHIP_LIST: Final = "township"
"""What a township does itself, what it cooperates in, and what the departments above have taken back."""

CATEGORIES: Final = {
    VILLAGE_LIST: ("statutory", "assist", "qualified"),
    TOWNSHIP_LIST: ("basic", "cooperate", "taken_back"),
}
"""What the items of these lists may be; another list may have all of them."""

ERRORS_MAX: Final = 100
"""How many unfit rows one answer names."""

RowError = dict[str, str]
"""Where (`in`, `pointer`), which rule (`code`), and what it says in both languages."""

_Line = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]


class NoListInForce(NotFound):
    """No version of this list is in force on that day. 该日没有生效的清单版本。"""


class ListVersionUnknown(NotFound):
    """This list has no version of that number. 该清单没有此版本。"""


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
    latest_working_days: Annotated[
        int | None, Field(ge=1, le=250, description="the statutory latest date, counted from publication")
    ] = None
    division: Annotated[DivisionCode | None, Field(description="whose villages may be asked; null: all")] = None
    valid_from: date | None = None
    valid_to: Annotated[date | None, Field(description="the last day on which it may be asked")] = None


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

    def published(self) -> ListVersionTookEffect:
        """What everybody is told of it, and what the gate checks asks against."""
        return ListVersionTookEffect(
            list_code=self.list_code,
            version=self.version,
            effective_on=self.effective_on,
            items=(*map(_published, self.items), *map(_published_negative, self.negative)),
        )


def take_effect(proposed: ListVersion, before: date | None, *, today: date) -> ListVersionTookEffect:
    """The event of a new version; `before` is when the version before it took effect.

    Raises Invalid naming each unfit row, NotYetInEffect, ListNotLater.
    """
    if errors := unfit_rows(proposed):
        raise Invalid(errors=errors[:ERRORS_MAX])
    if proposed.effective_on > today:
        raise NotYetInEffect(today=str(today))
    if before is not None and proposed.effective_on < before:
        raise ListNotLater(effective_on_min=str(before))
    return proposed.published()


def unfit_rows(proposed: ListVersion) -> list[RowError]:
    """What makes the version unfit, row by row; empty when nothing does."""
    return [*_double(proposed), *_letters(proposed.items), *_misplaced(proposed), *_terms(proposed.items)]


def _double(proposed: ListVersion) -> Iterable[RowError]:
    rows = [(f"/items/{at}/code", item.code) for at, item in enumerate(proposed.items)]
    rows += [(f"/negative/{at}/code", entry.code) for at, entry in enumerate(proposed.negative)]
    often = Counter(code for _, code in rows)
    for pointer, code in rows:
        if often[code] > 1:
            yield _error(pointer, "double", "Another row has this code.", "另一行使用了相同的代码。")


def _letters(items: Iterable[Item]) -> Iterable[RowError]:
    for at, item in enumerate(items):
        if AskKind.LETTER in item.kinds:
            yield _error(
                f"/items/{at}/kinds",
                "letter",
                "No item may ask for letters of responsibility.",
                "任何事项都不得要求签订责任状。",
            )


def _misplaced(proposed: ListVersion) -> Iterable[RowError]:
    fitting = CATEGORIES.get(proposed.list_code)
    for at, item in enumerate(proposed.items):
        if fitting is not None and item.category not in fitting:
            yield _error(
                f"/items/{at}/category",
                "category",
                f"An item of this list is one of {', '.join(fitting)}.",
                f"本清单的事项类别须为 {'、'.join(fitting)} 之一。",
            )


def _terms(items: Iterable[Item]) -> Iterable[RowError]:
    for at, item in enumerate(items):
        if item.valid_from is not None and item.valid_to is not None and item.valid_to < item.valid_from:
            yield _error(
                f"/items/{at}/valid_to",
                "term",
                "An item is not valid to a day before it is valid from.",
                "有效期截止日不得早于起始日。",
            )


def _error(pointer: str, code: str, message: str, message_zh: str) -> RowError:
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
        law=item.law or None,
        article=item.article or None,
        owner_department=item.owner_department,
        asks_per_village_year_max=item.asks_per_village_year_max,
        hours_estimate=item.hours_estimate,
        latest_working_days=item.latest_working_days,
        division=item.division,
        valid_from=item.valid_from,
        valid_to=item.valid_to,
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
