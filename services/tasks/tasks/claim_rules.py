"""Decisions on a claim: the village takes a share and sets its own limit, within what the law leaves it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareClaimed, ShareLimitChanged, ShareWithdrawn
from runtime.problems import Refusal
from runtime.workdays import Calendar
from tasks import clock_rules
from tasks.share_rules import Share, require_unclaimed, require_under_way

LIMIT_WORKING_DAYS_MAX: Final = 250  # a year; what takes longer is more than one task


class TaskTaken(Refusal):
    """Another village has taken this task. 该任务已由其他村认领。

    Nothing is asked of you any more. 您无需再做任何工作。
    """

    status = 409


class BeyondStatutoryDate(Refusal):
    """The law sets a latest date, and this limit ends after it. 法律规定了最晚日期，所定时限超过该日期。

    Set at most the limit given in limit_working_days_max. 请将时限定在 limit_working_days_max 以内。
    """

    status = 422


class LimitInThePast(Refusal):
    """This limit would have ended before today. 按此时限，期限在今天之前已经结束。

    Report the share as done, or set a limit that ends today or later. 请报告完成，或将时限定到今天或以后。
    """

    status = 422


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed share as a later change of its limit needs it.

    share: its due_on is the date in force, its claimed_on is there. paused_working_days: what its clock stood still,
    in working days; paused_on: since when it stands still now, if it does.
    """

    share: Share
    limit_working_days: int
    paused_working_days: int
    paused_on: date | None


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A village's later limit: what is told, what the history keeps, and whether it counts.

    in_time: it was changed before the old due date had passed.
    """

    event: ShareLimitChanged
    limit_before: int
    due_before: date
    in_time: bool


def claim(share: Share, limit_working_days: int, calendar: Calendar, *, today: date) -> ShareClaimed:
    """The village claims its share and sets its own limit, 1..LIMIT_WORKING_DAYS_MAX working days after today.

    Raises TaskTaken, ShareAlreadyClaimed, ShareWasRefused, ShareWasWithdrawn, BeyondStatutoryDate.
    """
    if share.state == "withdrawn":
        require_held([share], ())
    require_unclaimed(share)
    due = calendar.add_working_days(today, limit_working_days)
    require_lawful(share, due.on, calendar, start=today, paused_working_days=0)
    return ShareClaimed(
        task=share.task,
        share=share.id,
        village=share.village,
        department=share.department,
        limit_working_days=limit_working_days,
        claimed_on=today,
        due_on=due.on,
        provisional=due.provisional,
        origin=share.origin,
    )


def require_held(shares: Iterable[Share], holders: Collection[ShareId]) -> None:
    """Each of these shares that is open to the first must be the one that holds its task. Raises TaskTaken."""
    for share in shares:
        if share.open_to == "first" and share.id not in holders:
            raise TaskTaken(share=str(share.id), task=str(share.task))


def withdraw(shares: Iterable[Share], *, today: date) -> list[ShareWithdrawn]:
    """What is told of those whose task another village holds; what a village has said no to stays a no."""
    return [
        ShareWithdrawn(
            task=share.task,
            share=share.id,
            village=share.village,
            code="taken",
            withdrawn_on=today,
            origin=share.origin,
        )
        for share in shares
        if share.state == "published"
    ]


def change_limit(claimed: Claimed, limit_working_days: int, calendar: Calendar, *, today: date) -> LimitChange:
    """The village sets itself another limit, 1..LIMIT_WORKING_DAYS_MAX working days after the day of its claim.

    What its clock stood still is added to it. A change up to the old due date (or up to the day its clock stopped
    before that) is the village's good planning: on time is then judged by the new date. A later one tells everybody
    when to expect the work, but never makes late work on time: that stays judged by the date that had passed.
    Raises ShareNotClaimed, ShareWasRefused, ShareWasWithdrawn, ShareAlreadyDone, LimitInThePast, BeyondStatutoryDate.
    """
    share = claimed.share
    require_under_way(share)
    assert share.claimed_on is not None
    assert share.due_on is not None
    due = clock_rules.due_date(share.claimed_on, limit_working_days, claimed.paused_working_days, calendar)
    if due.on < today:
        raise LimitInThePast(share=str(share.id), due_on=due.on.isoformat())
    require_lawful(share, due.on, calendar, start=share.claimed_on, paused_working_days=claimed.paused_working_days)
    in_time = (claimed.paused_on or today) <= share.due_on
    event = ShareLimitChanged(
        task=share.task,
        share=share.id,
        village=share.village,
        department=share.department,
        limit_working_days=limit_working_days,
        due_on=due.on,
        provisional=due.provisional,
        code="own",
        changed_on=today,
        origin=share.origin,
        judged_due_on=share.judged_due_on or (None if in_time else share.due_on),
    )
    return LimitChange(event, claimed.limit_working_days, share.due_on, in_time)


def require_lawful(share: Share, due_on: date, calendar: Calendar, *, start: date, paused_working_days: int) -> None:
    """Where the law's own date leaves no working day, the shortest limit remains: the work must still be claimed.

    Raises BeyondStatutoryDate.
    """
    if share.latest_on is None or due_on <= share.latest_on:
        return
    left = calendar.working_days_between(start, share.latest_on) - paused_working_days
    shortest = clock_rules.due_date(start, 1, paused_working_days, calendar).on
    if due_on > shortest:
        raise BeyondStatutoryDate(
            share=str(share.id), latest_on=share.latest_on.isoformat(), limit_working_days_max=max(1, left)
        )
