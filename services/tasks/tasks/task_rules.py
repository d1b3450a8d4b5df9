"""Decisions on a task: what is published at a work meeting or for another cause, with a share for each village."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from qingdan.access_events import ListItem
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.ids import MeetingId, ShareId, TaskId
from qingdan.origin import Origin
from qingdan.signage_events import RemovalOrdered
from qingdan.tasks_events import AskKind, PublishedShare, TaskPublished
from runtime.problems import Refusal
from runtime.workdays import Calendar

OpenTo = Literal["each", "first"]
"""Whether each village does its share, or whoever claims first does it all."""
Villages = Sequence[DivisionCode] | Literal["all"]

_TITLE_LENGTH_MAX: Final = 200  # as the contract has it


class VillagesNotInMeeting(Refusal):
    """These villages do not belong to the division that holds the meeting, or asks because of an emergency.
    这些村不属于召开会议或应急下达任务的区划。
    """

    status = 422


class NoVillages(Refusal):
    """The division that holds the meeting, or asks because of an emergency, has no villages.
    召开会议或应急下达任务的区划下没有村。
    """

    status = 422


@dataclass(frozen=True, slots=True)
class Meeting:
    """A work meeting, held in and for a division."""

    id: MeetingId
    division: DivisionCode
    held_on: date
    title: str
    closed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """What gives rise to a task, and whose villages it may be asked of; meeting: None where there is none."""

    origin: Origin
    division: DivisionCode
    meeting: MeetingId | None


def at(meeting: Meeting) -> Occasion:
    """A work meeting gives rise to what is put on its table."""
    return Occasion(Origin(service="tasks", kind="work_meeting", id=meeting.id), meeting.division, meeting.id)


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
    item: ListItem,
    list_version: int,
    occasion: Occasion,
    *,
    open_to: OpenTo,
    task: TaskId,
    shares: Mapping[DivisionCode, ShareId],
    calendar: Calendar,
    today: date,
) -> TaskPublished:
    """The event of an ask that has passed the gate; it keeps the version of the list it passed under.

    The item's statutory latest date, where law sets one, is counted in working days from today.
    """
    latest = item.latest_working_days
    return TaskPublished(
        task=task,
        origin=occasion.origin,
        item=item.code,
        list_version=list_version,
        department=ask.department,
        kind=ask.kind,
        title_zh=ask.title_zh,
        title_en=ask.title_en,
        division=occasion.division,
        inspect_on_completion=item.inspect_on_completion,
        published_on=today,
        shares=tuple(PublishedShare(share=share, village=village) for village, share in shares.items()),
        open_to=open_to,
        hours_estimate=item.hours_estimate,
        latest_on=calendar.add_working_days(today, latest).on if latest is not None else None,
    )


def publish_removal(order: RemovalOrdered, *, task: TaskId, share: ShareId, today: date) -> TaskPublished:
    """The event of a task that takes a load off: it needs no item of the list, and a visit decides on completion.

    The department is the one whose sign comes down. An order that does not say what the sign says is named by its code.
    """
    words = order.wording or order.code or ""
    return TaskPublished(
        task=task,
        origin=Origin(service="signage", kind="removal_order", id=order.order),
        item=None,
        list_version=None,
        department=order.department,
        kind=AskKind.SIGN,
        title_zh=f"拆除牌子：{words}"[:_TITLE_LENGTH_MAX],
        title_en=f"Take down a sign: {words}"[:_TITLE_LENGTH_MAX],
        division=order.village,
        inspect_on_completion=True,
        published_on=today,
        shares=(PublishedShare(share=share, village=order.village),),
        legal_basis=order.legal_basis,
    )
