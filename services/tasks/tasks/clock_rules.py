"""A share's clock: the village's own working days, which do not run while somebody else holds the ball."""

from dataclasses import replace
from datetime import date
from typing import Final, Literal

from qingdan.tasks_events import ShareLimitChanged, SharePaused, ShareResumed
from runtime.problems import Forbidden, Refusal
from runtime.workdays import Calendar, DueDate
from tasks.share_rules import Share, require_under_way

WaitingFor = Literal["department", "county", "supervision", "weather"]
"""Who or what holds the ball."""

DUE_SOON_WORKING_DAYS: Final = 3

# Limit and pauses together, as far as the calendar reckons at once: four years. A clock that has stood still for
# longer counts no further; such a share is due all the same, and its village reports or says so.
CLOCK_WORKING_DAYS_MAX: Final = 1000


class ClockStandsStill(Refusal):
    """The clock of this share stands still already. 该任务份额已处于暂停计时状态。"""

    status = 409


class ClockRuns(Refusal):
    """The clock of this share is running. 该任务份额正在计时，未处于暂停状态。"""

    status = 409


class NotWaitedFor(Forbidden):
    """The village does not wait for you: only the village itself starts this clock again.
    该村等待的不是您，只有该村自己可以恢复计时。
    """


def due_date(claimed_on: date, limit_working_days: int, paused_working_days: int, calendar: Calendar) -> DueDate:
    """The day on which the limit ends: its working days after the claim, and those that the clock stood still."""
    return calendar.add_working_days(claimed_on, min(limit_working_days + paused_working_days, CLOCK_WORKING_DAYS_MAX))


def pause(share: Share, waiting_for: WaitingFor, *, today: date) -> SharePaused:
    """The village says that it waits for somebody.

    Raises ClockStandsStill, ShareNotClaimed, ShareAlreadyDone, ShareWasRefused, ShareWasWithdrawn.
    """
    require_under_way(share)
    if share.waiting_for is not None:
        raise ClockStandsStill(share=str(share.id), waiting_for=share.waiting_for)
    return SharePaused(
        task=share.task,
        share=share.id,
        village=share.village,
        waiting_for=waiting_for,
        paused_on=today,
        origin=share.origin,
    )


def resume(share: Share, calendar: Calendar, *, by_village: bool, today: date) -> ShareResumed:
    """The clock runs again, and the due date moves by the working days that it stood still.

    What a village waits for of a department, that department's or the township's staff may end or object to as well
    (`by_village` false). Raises ClockRuns, NotWaitedFor.
    """
    if share.paused_on is None:
        raise ClockRuns(share=str(share.id))
    if not by_village and share.waiting_for != "department":
        raise NotWaitedFor(share=str(share.id), waiting_for=share.waiting_for)
    return _resumed(share, calendar, since=share.paused_on, today=today)


def give_back(share: Share, calendar: Calendar, *, today: date) -> ShareResumed:
    """A visit was not passed: the clock, which stood still since the report, runs again."""
    assert share.reported_on is not None
    return _resumed(share, calendar, since=share.reported_on, today=max(today, share.reported_on))


def after_resuming(share: Share, event: ShareResumed) -> Share:
    """The share as the event leaves it."""
    return replace(
        share,
        waiting_for=None,
        paused_on=None,
        paused_working_days=share.paused_working_days + event.paused_working_days,
        due_on=event.due_on,
        judged_due_on=event.judged_due_on,
        provisional=event.provisional,
    )


def judged_again(share: Share, limit_passed: int | None, calendar: Calendar) -> date | None:
    """What on time is judged by, by what is known of the calendar today; None: the due date.

    limit_passed: the limit whose date had passed when the village changed it. That the change came too late by what was
    known on its day is not decided again: only the date moves.
    """
    if share.judged_due_on is None or limit_passed is None:
        return share.judged_due_on
    assert share.claimed_on is not None
    return due_date(share.claimed_on, limit_passed, share.paused_working_days, calendar).on


def recount(
    share: Share, calendar: Calendar, *, judged_due_on: date | None = None, today: date
) -> ShareLimitChanged | None:
    """The due date by what is known of the calendar today; None where that changes nothing.

    judged_due_on: what on time is judged by, reckoned again; where it alone has moved, the same due date is told again.
    """
    assert share.claimed_on is not None
    assert share.limit_working_days is not None
    due = due_date(share.claimed_on, share.limit_working_days, share.paused_working_days, calendar)
    if (due.on, due.provisional, judged_due_on) == (share.due_on, share.provisional, share.judged_due_on):
        return None
    return ShareLimitChanged(
        task=share.task,
        share=share.id,
        village=share.village,
        department=share.department,
        limit_working_days=share.limit_working_days,
        due_on=due.on,
        provisional=due.provisional,
        code="calendar",
        changed_on=today,
        origin=share.origin,
        judged_due_on=judged_due_on,
    )


def _resumed(share: Share, calendar: Calendar, *, since: date, today: date) -> ShareResumed:
    """What on time is judged by moves as the due date does."""
    assert share.claimed_on is not None
    assert share.limit_working_days is not None
    stood = max(0, calendar.working_days_between(since, today))
    due = due_date(share.claimed_on, share.limit_working_days, share.paused_working_days + stood, calendar)
    judged = share.judged_due_on
    if judged is not None and stood > 0:
        judged = calendar.add_working_days(judged, min(stood, CLOCK_WORKING_DAYS_MAX)).on
    return ShareResumed(
        task=share.task,
        share=share.id,
        village=share.village,
        paused_working_days=stood,
        due_on=due.on,
        provisional=due.provisional,
        resumed_on=today,
        origin=share.origin,
        judged_due_on=judged,
    )
