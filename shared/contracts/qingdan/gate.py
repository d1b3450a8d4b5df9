"""The gate: whether an ask may reach a village, and if not, why, and what is nearest to it on the list.

Pure: whoever reads `pub.access.v1` has the list, and can check an ask before sending it, as the tasks service does.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from qingdan.access_events import ItemCategory, ListItem, ListVersionTookEffect
from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, ItemCode, TaskId, Title
from qingdan.tasks_events import AskKind, RefusalCode
from qingdan.wording import Rarity, covered_en, covered_zh, likeness, pairs, words

# Measured on the 40 sample asks that stand on the list: wording and asker find the item that the ask cites for 37 of
# them, wording alone for 28. The law's name decides between items that are worded alike.
LAW_WEIGHT: Final = 0.5
ASKER_WEIGHT: Final = 0.3
NEAR_MIN: Final = 0.15

NEGATIVE_MIN: Final = 0.5  # half of a negative entry's clause is in the ask

# Measured on the 65 sample asks, all of them different: the two most alike are at 0.37 (two certificates), the two most
# alike of those on the list at 0.19. The same ask in other words is at 0.57 to 0.83.
DUPLICATE_MIN: Final = 0.5
DUPLICATE_WINDOW_DAYS: Final = 30

# A letter of responsibility is no form of asking; what a department has taken back it does itself.
_NEVER_ASKED: Final = frozenset({ItemCategory.NEGATIVE, ItemCategory.TAKEN_BACK})


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that a department wants of villages; `cites` is the list's item that it relies on."""

    department: DepartmentCode
    kind: AskKind
    title_zh: Title
    title_en: Title
    cites: ItemCode | None


@dataclass(frozen=True, slots=True)
class Beyond:
    """What of an item was exceeded: how often a village may be asked within a year, or which villages."""

    limit: Literal["cadence", "scope"]
    villages: tuple[DivisionCode, ...]
    asks_per_village_year_max: int | None = None
    division: DivisionCode | None = None


@dataclass(frozen=True, slots=True)
class EarlierAsk:
    """A task that another department has asked of villages within the window."""

    task: TaskId
    department: DepartmentCode
    kind: AskKind
    title_zh: str
    title_en: str
    villages: frozenset[DivisionCode]


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """The gate says no; `nearest` is on the list, `beyond` or `earlier` says more where the code has more to it."""

    code: RefusalCode
    nearest: ListItem | None
    beyond: Beyond | None = None
    earlier: EarlierAsk | None = None


def decide(ask: Ask, standing: ListVersionTookEffect, on: date | None = None) -> ListItem | TurnedDown:
    """The item that covers the ask, or why none does.

    An ask passes when it cites an item in force that names its department among the askers and allows its kind, and
    when nothing on the negative list is behind it. A letter of responsibility never passes (2022 Opinions).
    on: the day of the ask; an item outside its own term (valid_from to valid_to) is not on the list. None: any day.
    Scope and cadence depend on the villages: see `within_item`.
    """
    item = _item(standing, ask.cites)
    code = _refusal_code(ask, item, standing, on)
    if code is not None:
        return TurnedDown(code, _nearest(ask, code, standing))
    assert item is not None
    return item


def within_item(
    item: ListItem,
    villages: Iterable[DivisionCode],
    asked_this_year: Mapping[DivisionCode, int],
    scope: Collection[DivisionCode] | None = None,
) -> TurnedDown | None:
    """BEYOND_ITEM when a village is outside the item's division or has been asked often enough; else None.

    asked_this_year: how often each village was asked under the item in the calendar year; none where it is missing.
    scope: the villages below `item.division`; only used when the item has one. Codes do not tell what is below what.
    """
    asked, limit = tuple(villages), item.asks_per_village_year_max
    if item.division is not None:
        outside = tuple(village for village in asked if village not in (scope or ()))
        if outside:
            beyond = Beyond("scope", outside, division=item.division)
            return TurnedDown(RefusalCode.BEYOND_ITEM, item, beyond)
    if limit is not None:
        used_up = tuple(village for village in asked if asked_this_year.get(village, 0) >= limit)
        if used_up:
            return TurnedDown(RefusalCode.BEYOND_ITEM, item, Beyond("cadence", used_up, limit))
    return None


def duplicate_of(
    ask: Ask,
    item: ListItem,
    villages: Collection[DivisionCode],
    earlier: Sequence[EarlierAsk],
    standing: ListVersionTookEffect,
) -> TurnedDown | None:
    """DUPLICATE when another department has asked the same, in the same form, of one of the villages; else None.

    earlier: what was asked within the window. Of several, the most alike is named, and the oldest of those.
    """
    alike = Likeness.of(standing)
    same = [
        (alike.of_asks(ask, each), each)
        for each in earlier
        if each.kind is ask.kind and each.department != ask.department and not each.villages.isdisjoint(villages)
    ]
    near = min(same, key=lambda one: (-one[0], one[1].task), default=None)
    if near is None or near[0] < DUPLICATE_MIN:
        return None
    return TurnedDown(RefusalCode.DUPLICATE, item, earlier=near[1])


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two asks are in words; what is rare on the list tells most."""

    zh: Rarity
    en: Rarity

    @classmethod
    def of(cls, standing: ListVersionTookEffect) -> "Likeness":
        """By the wordings of a list's items."""
        items = _positive(standing)
        return cls(
            Rarity.among([pairs(item.title_zh) for item in items]),
            Rarity.among([words(item.title_en) for item in items]),
        )

    def of_asks(self, one: Ask | EarlierAsk, other: Ask | EarlierAsk) -> float:
        """0 (nothing in common) to 1 (the same words); both languages count the same."""
        zh = likeness(pairs(one.title_zh), pairs(other.title_zh), self.zh)
        en = likeness(words(one.title_en), words(other.title_en), self.en)
        return (zh + en) / 2


def _positive(standing: ListVersionTookEffect) -> list[ListItem]:
    return [item for item in standing.items if item.category not in _NEVER_ASKED]


def _item(standing: ListVersionTookEffect, code: ItemCode | None) -> ListItem | None:
    return next((item for item in _positive(standing) if item.code == code), None)


def _in_term(item: ListItem, on: date | None) -> bool:
    return on is None or (item.valid_from or date.min) <= on <= (item.valid_to or date.max)


def _refusal_code(
    ask: Ask, item: ListItem | None, standing: ListVersionTookEffect, on: date | None
) -> RefusalCode | None:
    if ask.kind is AskKind.LETTER:
        return RefusalCode.NEGATIVE_LIST
    # All certificates are cancelled and forms are filled from the county's data, unless an item says otherwise.
    if ask.kind in (AskKind.CERTIFICATE, AskKind.FORM) and (item is None or ask.kind not in item.kinds):
        return RefusalCode.ALREADY_SUPPLIED
    if any(_is_behind(entry, ask, item) for entry in standing.items if entry.category is ItemCategory.NEGATIVE):
        return RefusalCode.NEGATIVE_LIST
    if item is None or not _in_term(item, on):
        return RefusalCode.OFF_LIST
    if ask.department not in item.askers:
        return RefusalCode.ASKER_NOT_NAMED
    return None if ask.kind in item.kinds else RefusalCode.KIND_NOT_ALLOWED


def _is_behind(entry: ListItem, ask: Ask, item: ListItem | None) -> bool:
    """Whether an ask is, by its words, what a negative entry forbids.

    The Chinese wording decides. The English one, a translation, does so only among asks of the same rarer kind.
    Words that the cited item itself uses prove nothing: insurance is on the list, and its sale is forbidden.
    """
    behind = covered_zh(entry.title_zh, ask.title_zh)
    if behind >= NEGATIVE_MIN and (item is None or behind > covered_zh(entry.title_zh, item.title_zh)):
        return True
    same_rarer_kind = ask.kind is not AskKind.TASK and ask.kind in entry.kinds
    return same_rarer_kind and covered_en(entry.title_en, ask.title_en) >= NEGATIVE_MIN


def _nearest(ask: Ask, code: RefusalCode, standing: ListVersionTookEffect) -> ListItem | None:
    """The item that the ask cites, else the one nearest to its words; None when nothing is near.

    An item that names the asker is nearer by ASKER_WEIGHT, except to what is forbidden: that a department may ask for
    something else is no reason to offer it in exchange. Data takes the place of certificates, not an item.
    """
    if cited := _item(standing, ask.cites):
        return cited
    items = _positive(standing)
    if ask.kind is AskKind.CERTIFICATE or not items:
        return None
    asked_zh, asked_en = pairs(ask.title_zh), words(ask.title_en)
    alike = Likeness.of(standing)

    def nearness(item: ListItem) -> float:
        law = pairs((item.law or "").replace("中华人民共和国", ""))
        return (
            likeness(asked_zh, pairs(item.title_zh), alike.zh)
            + likeness(asked_en, words(item.title_en), alike.en)
            + LAW_WEIGHT * likeness(asked_zh, law, alike.zh)
            + (ASKER_WEIGHT if ask.department in item.askers and code is not RefusalCode.NEGATIVE_LIST else 0.0)
        )

    near = min(items, key=lambda item: (-nearness(item), item.code))
    return near if nearness(near) >= NEAR_MIN else None
