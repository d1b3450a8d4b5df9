"""Decisions on extensions: a village asks that its share be due later, others decide, and silence is consent."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NewType
from uuid import UUID

from qingdan.divisions import DivisionLevel
from qingdan.ids import ShareId
from qingdan.tasks_events import ExtensionAsked, ExtensionDecided, ShareLimitChanged
from runtime.problems import Forbidden, Refusal
from runtime.workdays import Calendar
from tasks import claim_rules, clock_rules
from tasks.claim_rules import LimitChange, LimitInThePast
from tasks.share_rules import Share, require_under_way

ExtensionId = NewType("ExtensionId", UUID)
ExtensionState = Literal["open", "granted", "refused"]

DECIDE_WITHIN_WORKING_DAYS: Final = 3  # after the village asked; then it is granted by itself


class ExtensionOpen(Refusal):
    """An extension of this share is waiting for its decision. 该任务份额的延期申请正在等待决定。

    Silence is consent: see decide_by. 逾期未决定即视为同意，见 decide_by。
    """

    status = 409


class NoLater(Refusal):
    """This is no later than the date that the share is judged by already. 所申请的期限不晚于现行期限。

    Ask for more working days, counted from the day of the claim. 请申请更多工作日，自认领之日起计算。
    """

    status = 422


class ExtensionClosed(Refusal):
    """This extension has been decided. 该延期申请已作出决定。"""

    status = 409


class VillagesAsk(Forbidden):
    """A village asks for an extension; the department or the township decides. 延期由村申请，由部门或乡镇决定。"""


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension as it stands; limit in working days from the claim."""

    id: ExtensionId
    share: ShareId
    limit_working_days: int
    reason: str
    asked_by: str
    state: ExtensionState
    version: int


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision means: what is told, and the change of the share's limit, if it changes."""

    extension: Extension
    event: ExtensionDecided
    change: LimitChange | None


def ask(share: Share, limit_working_days: int, calendar: Calendar, *, is_open: bool, today: date) -> ExtensionAsked:
    """The village asks for a limit of so many working days after its claim; what its clock stood still is added.

    Before and after the date has passed alike. is_open: whether an earlier one waits for its decision. Raises
    ShareNotClaimed, ShareAlreadyDone, ShareWasRefused, ShareWasWithdrawn, ExtensionOpen, NoLater, LimitInThePast,
    BeyondStatutoryDate.
    """
    require_under_way(share)
    if is_open:
        raise ExtensionOpen(share=str(share.id))
    assert share.claimed_on is not None
    due = due_asked(share, limit_working_days, calendar)
    if due <= judged_by(share):
        raise NoLater(share=str(share.id), due_on=due.isoformat(), judged_by=judged_by(share).isoformat())
    if due < (share.paused_on or today):
        raise LimitInThePast(share=str(share.id), due_on=due.isoformat())
    claim_rules.require_lawful(
        share, due, calendar, start=share.claimed_on, paused_working_days=share.paused_working_days
    )
    return ExtensionAsked(
        task=share.task,
        share=share.id,
        village=share.village,
        department=share.department,
        limit_working_days=limit_working_days,
        asked_on=today,
        decide_by=calendar.add_working_days(today, DECIDE_WITHIN_WORKING_DAYS).on,
        origin=share.origin,
    )


def judged_by(share: Share) -> date:
    """The date that on time is judged by."""
    assert share.due_on is not None
    return share.judged_due_on or share.due_on


def due_asked(share: Share, limit_working_days: int, calendar: Calendar) -> date:
    """The day on which the limit asked for ends, by what is known today."""
    assert share.claimed_on is not None
    return clock_rules.due_date(share.claimed_on, limit_working_days, share.paused_working_days, calendar).on


def decide(
    extension: Extension,
    share: Share,
    granted: bool,
    calendar: Calendar,
    *,
    level: DivisionLevel,
    subject: str,
    today: date,
) -> Decided:
    """Staff of the department or the township decides; level and subject are the decider's.

    Raises VillagesAsk, ExtensionClosed.
    """
    if level is DivisionLevel.VILLAGE or subject == extension.asked_by:
        raise VillagesAsk()
    if extension.state != "open":
        raise ExtensionClosed(extension=str(extension.id), state=extension.state)
    return _decided(extension, share, granted, calendar, today)


def let_pass(extension: Extension, share: Share, calendar: Calendar, *, today: date) -> Decided:
    """Nobody decided in time: it is granted by itself."""
    assert extension.state == "open"
    return _decided(extension, share, True, calendar, today)


def _decided(extension: Extension, share: Share, granted: bool, calendar: Calendar, today: date) -> Decided:
    """What has been reported as done meanwhile, or completed, is judged by the new date too: the village asked in time.

    Where the village itself has set a later limit in time meanwhile, that one stands and nothing changes.
    """
    event = ExtensionDecided(
        task=share.task,
        share=share.id,
        village=share.village,
        department=share.department,
        granted=granted,
        decided_on=today,
        origin=share.origin,
    )
    if not granted or due_asked(share, extension.limit_working_days, calendar) <= judged_by(share):
        return Decided(extension, event, None)
    assert share.claimed_on is not None
    assert share.due_on is not None
    assert share.limit_working_days is not None
    due = clock_rules.due_date(share.claimed_on, extension.limit_working_days, share.paused_working_days, calendar)
    changed = ShareLimitChanged(
        task=share.task,
        share=share.id,
        village=share.village,
        department=share.department,
        limit_working_days=extension.limit_working_days,
        due_on=due.on,
        provisional=due.provisional,
        code="extension",
        changed_on=today,
        origin=share.origin,
    )
    return Decided(extension, event, LimitChange(changed, share.limit_working_days, share.due_on, in_time=True))
