"""The gate: whether an ask may reach a village, and if not, why, and what is nearest to it on the list.

Pure: whoever reads `pub.access.v1` has the list, and can check an ask before sending it, as the tasks service does.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal

from qingdan.access_events import ItemCategory, ListItem, ListVersionTookEffect
from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, ItemCode, TaskId, Title
from qingdan.subjects import Subjects, subjects_of
from qingdan.tasks_events import AskKind, RefusalCode
from qingdan.wording import Rarity, Weighed, covered_en, covered_zh, likeness, pairs, words

# Measured on the sample asks: together these lead 38 of the 40 on the list to the item that they cite, and all 25 off
# it to the item given by hand; without subjects 37 and 22, without subjects and asker 30 and 20. Of 66 other wordings
# of those that cite nothing 58 are led there. Any subject's weight from 0.4 to 0.8 gives the same.
LAW_WEIGHT: Final = 0.5
ASKER_WEIGHT: Final = 0.3
SUBJECT_WEIGHT: Final = 0.5
NEAR_MIN: Final = 0.15
WORDS_MIN: Final = 0.15  # one pair of characters in common is at 0.05 to 0.1

NEGATIVE_MIN: Final = 0.5  # half of a negative entry's clause is in the ask

# Measured on the 65 sample asks, all of them different: the two most alike are at 0.37 (two certificates), the two most
# alike of those on the list at 0.19. The same ask in other words is at 0.57 to 0.83.
DUPLICATE_MIN: Final = 0.5
DUPLICATE_WINDOW_DAYS: Final = 30

# A letter of responsibility is no form of asking; what a department has taken back it does itself.
_NEVER_ASKED: Final = frozenset({ItemCategory.NEGATIVE, ItemCategory.TAKEN_BACK})
_BESIDE_THE_LIST: Final = frozenset({AskKind.CERTIFICATE, AskKind.SIGN})


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
    comparable = [
        each
        for each in earlier
        if each.kind is ask.kind and each.department != ask.department and not each.villages.isdisjoint(villages)
    ]
    if not comparable:
        return None
    alike = Likeness.of(standing)
    likeness, near = max(((alike.of_asks(ask, each), each) for each in comparable), key=_most_alike_and_oldest)
    return TurnedDown(RefusalCode.DUPLICATE, item, earlier=near) if likeness >= DUPLICATE_MIN else None


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two asks are in words; what is rare on the list tells most."""

    zh: Rarity
    en: Rarity

    @classmethod
    def of(cls, standing: ListVersionTookEffect) -> "Likeness":
        """By the wordings of a list's items."""
        return _worded(_wordings(_positive(standing))).alike

    def of_asks(self, one: Ask | EarlierAsk, other: Ask | EarlierAsk) -> float:
        """0 (nothing in common) to 1 (the same words); both languages count the same."""
        zh = likeness(pairs(one.title_zh), pairs(other.title_zh), self.zh)
        en = likeness(words(one.title_en), words(other.title_en), self.en)
        return (zh + en) / 2


def _most_alike_and_oldest(found: tuple[float, EarlierAsk]) -> tuple[float, int]:
    likeness, earlier = found
    return likeness, -earlier.task.int


_Wordings = tuple[tuple[str, str, str], ...]
"""Of each item of a list: its Chinese title, its English title, its law."""


@dataclass(frozen=True, slots=True)
class _ItemWording:
    zh: Weighed
    en: Weighed
    law: Weighed
    subjects: Subjects


@dataclass(frozen=True, slots=True)
class _Worded:
    """A list's wordings, weighed once."""

    alike: Likeness
    items: tuple[_ItemWording, ...]


def _wordings(items: Iterable[ListItem]) -> _Wordings:
    return tuple((item.title_zh, item.title_en, item.law or "") for item in items)


@lru_cache(maxsize=16)
def _worded(wordings: _Wordings) -> _Worded:
    """By the wordings themselves, so that neither two counties' lists nor two versions are ever mistaken for another.

    Weighing the 43 items anew took 0.6 ms of every ask, a millisecond and more of a refused one.
    """
    zh = Rarity.among([pairs(title_zh) for title_zh, _, _ in wordings])
    en = Rarity.among([words(title_en) for _, title_en, _ in wordings])
    items = tuple(
        _ItemWording(
            zh.weighed(pairs(title_zh)),
            en.weighed(words(title_en)),
            zh.weighed(pairs(law.replace("中华人民共和国", ""))),
            subjects_of(title_zh),
        )
        for title_zh, title_en, law in wordings
    )
    return _Worded(Likeness(zh, en), items)


def _positive(standing: ListVersionTookEffect) -> list[ListItem]:
    return [item for item in standing.items if item.category not in _NEVER_ASKED]


def _item(standing: ListVersionTookEffect, code: ItemCode | None) -> ListItem | None:
    return next((item for item in standing.items if item.code == code and item.category not in _NEVER_ASKED), None)


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
    """The item that the ask cites, else the one nearest to it; None when nothing is near.

    An item is near by its words, by its law's, by being about the same subject (`qingdan.subjects`), and by naming the
    asker, except to what is forbidden: that a department may ask for something else is no reason to offer it in
    exchange. One word in common is no evidence, and the English wording alone is none: it is a translation.
    Data takes the place of certificates, and the county's rules on signs decide on signs, not an item (2022 Opinions).
    """
    if cited := _item(standing, ask.cites):
        return cited
    if ask.kind in _BESIDE_THE_LIST:
        return None
    items = _positive(standing)
    worded = _worded(_wordings(items))
    rarity_zh, rarity_en = worded.alike.zh, worded.alike.en
    asked_zh, asked_en = rarity_zh.weighed(pairs(ask.title_zh)), rarity_en.weighed(words(ask.title_en))
    subjects, near = subjects_of(ask.title_zh), list[tuple[float, ListItem]]()
    for item, said in zip(items, worded.items, strict=True):
        zh = asked_zh.likeness(said.zh, rarity_zh)
        named = code is not RefusalCode.NEGATIVE_LIST and ask.department in item.askers
        same_subject = not subjects.isdisjoint(said.subjects)
        nearness = (
            zh
            + asked_en.likeness(said.en, rarity_en)
            + LAW_WEIGHT * asked_zh.likeness(said.law, rarity_zh)
            + SUBJECT_WEIGHT * same_subject
            + ASKER_WEIGHT * named
        )
        if nearness >= NEAR_MIN and (named or same_subject or zh >= WORDS_MIN):
            near.append((nearness, item))
    return min(near, key=lambda one: (-one[0], one[1].code), default=(0.0, None))[1]
