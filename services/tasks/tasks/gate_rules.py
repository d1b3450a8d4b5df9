"""The gate: whether an ask may reach a village, and if not, why, and what is nearest to it on the list."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, DepartmentCode, ItemCode, Title
from qingdan.tasks_events import AskKind, AskRefused, RefusalCode
from runtime.problems import Refusal
from tasks.list_rules import Item, ListVersion, NegativeEntry
from tasks.wording_rules import Rarity, covered_en, covered_zh, likeness, pairs, words

# Measured on the 40 sample asks that stand on the list: wording and asker find the item that the ask cites for 37 of
# them, wording alone for 28. The law's name decides between items that are worded alike.
LAW_WEIGHT: Final = 0.5
ASKER_WEIGHT: Final = 0.3
NEAR_MIN: Final = 0.15

NEGATIVE_MIN: Final = 0.5  # half of a negative entry's clause is in the ask


class NotOnTheList(Refusal):
    """The list in force does not cover this ask; no village receives it, and the refusal is counted.
    现行清单未涵盖该事项，不得下达到村，本次拒绝已计入统计。

    Look at nearest_item, or apply for access to the list. 请参阅 nearest_item，或申请事项准入。
    """

    status = 422


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that a department wants of villages; `cites` is the list's item that it relies on."""

    department: DepartmentCode
    kind: AskKind
    title_zh: Title
    title_en: Title
    cites: ItemCode | None


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """The gate says no."""

    code: RefusalCode
    nearest: Item | None


def decide(ask: Ask, standing: ListVersion) -> Item | TurnedDown:
    """The item that covers the ask, or why none does.

    An ask passes when it cites an item in force that names its department among the askers and allows its kind, and
    when nothing on the negative list is behind it. A letter of responsibility never passes (2022 Opinions).
    """
    item = standing.item(ask.cites)
    code = _refusal_code(ask, item, standing)
    if code is not None:
        return TurnedDown(code, _nearest(ask, code, standing))
    assert item is not None
    return item


def refuse(
    ask: Ask, verdict: TurnedDown, standing: ListVersion, ask_id: AskId, division: DivisionCode, *, today: date
) -> AskRefused:
    """The event of the gate's no."""
    return AskRefused(
        ask=ask_id,
        department=ask.department,
        kind=ask.kind,
        code=verdict.code,
        decided_by="gate",
        list_version=standing.version,
        nearest_item=verdict.nearest.code if verdict.nearest else None,
        division=division,
        refused_on=today,
    )


def not_on_the_list(event: AskRefused, verdict: TurnedDown) -> NotOnTheList:
    """The machine-readable answer to whoever asked."""
    near = verdict.nearest
    return NotOnTheList(
        ask=str(event.ask),
        code=event.code.value,
        list_version=event.list_version,
        nearest_item=near and near.model_dump(include={"code", "title_zh", "title_en", "category"}),
    )


def _refusal_code(ask: Ask, item: Item | None, standing: ListVersion) -> RefusalCode | None:
    if ask.kind is AskKind.LETTER:
        return RefusalCode.NEGATIVE_LIST
    # All certificates are cancelled and forms are filled from the county's data, unless an item says otherwise.
    if ask.kind in (AskKind.CERTIFICATE, AskKind.FORM) and (item is None or ask.kind not in item.kinds):
        return RefusalCode.ALREADY_SUPPLIED
    if any(_is_behind(entry, ask, item) for entry in standing.negative):
        return RefusalCode.NEGATIVE_LIST
    if item is None:
        return RefusalCode.OFF_LIST
    if ask.department not in item.askers:
        return RefusalCode.ASKER_NOT_NAMED
    return None if ask.kind in item.kinds else RefusalCode.KIND_NOT_ALLOWED


def _is_behind(entry: NegativeEntry, ask: Ask, item: Item | None) -> bool:
    """Whether an ask is, by its words, what a negative entry forbids.

    The Chinese wording decides. The English one, a translation, does so only among asks of the same rarer kind.
    Words that the cited item itself uses prove nothing: insurance is on the list, and its sale is forbidden.
    """
    behind = covered_zh(entry.title_zh, ask.title_zh)
    if behind >= NEGATIVE_MIN and (item is None or behind > covered_zh(entry.title_zh, item.title_zh)):
        return True
    return entry.kind is ask.kind is not AskKind.TASK and covered_en(entry.title_en, ask.title_en) >= NEGATIVE_MIN


def _nearest(ask: Ask, code: RefusalCode, standing: ListVersion) -> Item | None:
    """The item that the ask cites, else the one nearest to its words; None when nothing is near.

    An item that names the asker is nearer by ASKER_WEIGHT, except to what is forbidden: that a department may ask for
    something else is no reason to offer it in exchange. Data takes the place of certificates, not an item.
    """
    if cited := standing.item(ask.cites):
        return cited
    if ask.kind is AskKind.CERTIFICATE or not standing.items:
        return None
    asked_zh, asked_en = pairs(ask.title_zh), words(ask.title_en)
    rarity_zh = Rarity.among([pairs(item.title_zh) for item in standing.items])
    rarity_en = Rarity.among([words(item.title_en) for item in standing.items])

    def nearness(item: Item) -> float:
        return (
            likeness(asked_zh, pairs(item.title_zh), rarity_zh)
            + likeness(asked_en, words(item.title_en), rarity_en)
            + LAW_WEIGHT * likeness(asked_zh, pairs(item.law.replace("中华人民共和国", "")), rarity_zh)
            + (ASKER_WEIGHT if ask.department in item.askers and code is not RefusalCode.NEGATIVE_LIST else 0.0)
        )

    near = min(standing.items, key=lambda item: (-nearness(item), item.code))
    return near if nearness(near) >= NEAR_MIN else None
