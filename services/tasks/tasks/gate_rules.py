"""What the service makes of the gate's no (`qingdan.gate`): the event, the answer, and what becomes of a duplicate."""

from collections.abc import Collection
from datetime import date
from typing import Literal

from qingdan.divisions import DivisionCode
from qingdan.gate import Ask, TurnedDown
from qingdan.ids import AskId
from qingdan.tasks_events import AskMerged, AskRefused, RefusalCode
from runtime.problems import Refusal

IfDuplicate = Literal["refuse", "merge"]


class NotOnTheList(Refusal):
    """The list in force does not cover this ask; no village receives it, and the refusal is counted.
    现行清单未涵盖该事项，不得下达到村，本次拒绝已计入统计。

    Look at nearest_item, or apply for access to the list. 请参阅 nearest_item，或申请事项准入。
    """

    status = 422


class AskedAlready(Refusal):
    """Another department has asked the same of these villages; the refusal is counted.
    其他部门已就同一事项布置到这些村，本次拒绝已计入统计。

    Look at earlier.task and share its results, ask the other villages only, or send if_duplicate "merge" to have the
    ask answered by the earlier task.
    请参阅 earlier.task 并共享其结果，或仅布置到其他村，或以 if_duplicate "merge" 并入该任务。
    """

    status = 409


def refuse(
    ask: Ask, verdict: TurnedDown, list_version: int, ask_id: AskId, division: DivisionCode, *, today: date
) -> AskRefused:
    """The event of the gate's no."""
    return AskRefused(
        ask=ask_id,
        department=ask.department,
        kind=ask.kind,
        code=verdict.code,
        decided_by="gate",
        list_version=list_version,
        nearest_item=verdict.nearest.code if verdict.nearest else None,
        division=division,
        refused_on=today,
    )


def can_merge(verdict: TurnedDown | None, villages: Collection[DivisionCode]) -> bool:
    """Whether the earlier task answers the whole ask: it must have been asked of all these villages."""
    return verdict is not None and verdict.earlier is not None and verdict.earlier.villages.issuperset(villages)


def merge(ask: Ask, verdict: TurnedDown, ask_id: AskId, division: DivisionCode, *, today: date) -> AskMerged:
    """The event of a duplicate that is answered by the earlier task."""
    assert verdict.earlier is not None
    return AskMerged(
        ask=ask_id,
        department=ask.department,
        kind=ask.kind,
        into=verdict.earlier.task,
        division=division,
        merged_on=today,
    )


def answer(event: AskRefused, verdict: TurnedDown, villages: Collection[DivisionCode]) -> Refusal:
    """The machine-readable answer to whoever asked.

    beyond_item: `beyond` names the villages and what would be allowed. duplicate: `earlier` names the task and those
    of the villages that it was asked of.
    """
    near, beyond, earlier = verdict.nearest, verdict.beyond, verdict.earlier
    said = {"ask": str(event.ask), "code": event.code.value, "list_version": event.list_version}
    nearest = near and near.model_dump(mode="json", include={"code", "title_zh", "title_en", "category"})
    if event.code is RefusalCode.DUPLICATE and earlier is not None:
        common = sorted(str(village) for village in earlier.villages.intersection(villages))
        pointer = {"task": str(earlier.task), "department": earlier.department, "villages": common}
        return AskedAlready(**said, nearest_item=nearest, earlier=pointer)
    if beyond is None:
        return NotOnTheList(**said, nearest_item=nearest)
    exceeded = {
        "limit": beyond.limit,
        "villages": [str(village) for village in beyond.villages],
        "asks_per_village_year_max": beyond.asks_per_village_year_max,
        "division": beyond.division,
    }
    return NotOnTheList(**said, nearest_item=nearest, beyond={k: v for k, v in exceeded.items() if v is not None})
