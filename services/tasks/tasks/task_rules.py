"""Decisions on a task: what is published at a work meeting, with a share for each village."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from qingdan.divisions import DivisionCode
from qingdan.ids import MeetingId, ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import PublishedShare, TaskPublished
from runtime.problems import Refusal
from tasks.gate_rules import Ask
from tasks.list_rules import Item

Villages = Sequence[DivisionCode] | Literal["all"]


class VillagesNotInMeeting(Refusal):
    """These villages do not belong to the township that holds the meeting. 这些村不属于召开会议的乡镇。"""

    status = 422


class NoVillages(Refusal):
    """The division that holds the meeting has no villages. 召开会议的区划下没有村。"""

    status = 422


@dataclass(frozen=True, slots=True)
class Meeting:
    """A work meeting, held in and for a division."""

    id: MeetingId
    division: DivisionCode
    held_on: date
    title: str


def choose_villages(asked: Villages, known: Mapping[DivisionCode, int]) -> dict[DivisionCode, int]:
    """The villages that get a share, with their ids; `known` are those of the meeting's division.

    Raises VillagesNotInMeeting, NoVillages.
    """
    if asked == "all":
        chosen = dict(known)
    else:
        if foreign := sorted({str(code) for code in asked if code not in known}):
            raise VillagesNotInMeeting(villages=foreign)
        chosen = {code: known[code] for code in asked}
    if not chosen:
        raise NoVillages()
    return chosen


def publish(
    ask: Ask,
    item: Item,
    list_version: int,
    meeting: Meeting,
    *,
    task: TaskId,
    shares: Mapping[DivisionCode, ShareId],
    today: date,
) -> TaskPublished:
    """The event of an ask that has passed the gate; it keeps the version of the list it passed under."""
    return TaskPublished(
        task=task,
        origin=Origin(service="tasks", kind="work_meeting", id=meeting.id),
        item=item.code,
        list_version=list_version,
        department=ask.department,
        kind=ask.kind,
        title_zh=ask.title_zh,
        title_en=ask.title_en,
        division=meeting.division,
        inspect_on_completion=item.inspect_on_completion,
        published_on=today,
        shares=tuple(PublishedShare(share=share, village=village) for village, share in shares.items()),
    )
