"""Decisions on a work meeting: who is invited, who came, what was objected to, and when its record is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, MeetingId, ShareId, TaskId, Title
from qingdan.tasks_events import MeetingClosed
from runtime.problems import Refusal
from tasks.task_rules import Meeting


class MeetingInTheFuture(Refusal):
    """This meeting has not been held yet. 该会议尚未召开。

    Open its record on the day it is held: tasks exist only through a meeting that was held.
    请在会议召开当日建立记录：任务只能在已召开的会议上发布。
    """

    status = 422


class MeetingIsClosed(Refusal):
    """The record of this meeting is closed. 该会议记录已归档。

    What is asked now needs a meeting of its own. 新的事项须另行召开会议。
    """

    status = 409


class VillagesNotInvited(Refusal):
    """These villages were not invited to this meeting. 这些村未被邀请参加该会议。"""

    status = 422


class TaskNotOnTheTable(Refusal):
    """This task was not put on the table of this meeting for this village. 该任务未在本次会议上向该村部署。"""

    status = 422


class AlreadyObjected(Refusal):
    """The village has objected to this task already. 该村已对该任务提出异议。"""

    status = 409


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the agenda; department: who brings it, if any."""

    title: Title
    department: DepartmentCode | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What came of a meeting."""

    villages_invited: int
    villages_attended: int
    tasks: int
    claims: int
    objections: int


def require_held(held_on: date, *, today: date) -> None:
    """Raises MeetingInTheFuture."""
    if held_on > today:
        raise MeetingInTheFuture(held_on=held_on.isoformat())


def require_open(meeting: Meeting) -> None:
    """Raises MeetingIsClosed."""
    if meeting.closed_on is not None:
        raise MeetingIsClosed(meeting=str(meeting.id), closed_on=meeting.closed_on.isoformat())


def attend(villages: Sequence[DivisionCode], invited: Mapping[DivisionCode, int]) -> list[int]:
    """The ids of the villages that came; `invited` has the ids of all. Raises VillagesNotInvited."""
    if strangers := sorted({str(village) for village in villages if village not in invited}):
        raise VillagesNotInvited(villages=strangers)
    return [invited[village] for village in villages]


def object_to(
    meeting: MeetingId,
    task: TaskId,
    village: DivisionCode,
    found: tuple[ShareId, int] | None,
    *,
    closed_on: date | None,
) -> tuple[ShareId, int]:
    """The share objected to and the village's id, as found on the table. Raises MeetingIsClosed, TaskNotOnTheTable."""
    if closed_on is not None:
        raise MeetingIsClosed(meeting=str(meeting), closed_on=closed_on.isoformat())
    if found is None:
        raise TaskNotOnTheTable(meeting=str(meeting), task=str(task), village=str(village))
    return found


def close(meeting: Meeting, counts: Counts, *, today: date) -> MeetingClosed:
    """The record is closed: nothing is added to it any more. Raises MeetingIsClosed."""
    require_open(meeting)
    return MeetingClosed(
        meeting=meeting.id,
        division=meeting.division,
        held_on=meeting.held_on,
        villages_invited=counts.villages_invited,
        villages_attended=counts.villages_attended,
        tasks=counts.tasks,
        claims=counts.claims,
        objections=counts.objections,
        closed_on=today,
    )
