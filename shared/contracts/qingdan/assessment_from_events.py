"""The facts of an assessment from the public events alone: what an auditor computes without our database."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from qingdan.access_events import ListVersionTookEffect
from qingdan.assessment import NO_FACTS, Facts, Stratum, Tally
from qingdan.assessment_events import ObjectionDecided
from qingdan.divisions import DivisionCode
from qingdan.event import EventBody
from qingdan.ids import ShareId
from qingdan.inspection_events import VisitClosed
from qingdan.tasks_events import (
    ShareClaimed,
    ShareCompleted,
    ShareLimitChanged,
    SharePaused,
    ShareReportedDone,
    ShareResumed,
    ShareWithdrawn,
    TaskPublished,
)

VILLAGE_LIST = "village"
CLOCK_WORKING_DAYS_MAX: Final = 1000  # limit and pauses together, as far as a clock is reckoned at once

AddWorkingDays = Callable[[date, int], date]
"""The day on which so many working days (1 or more) have passed after a day, by the calendar in force."""


@dataclass(slots=True)
class _Share:
    """What the events so far say of a share.

    limit_working_days: the first limit, which tells what is like work; limit_now: the one in force. judged_due_on: the
    day by which on time is judged where it is not due_on, and limit_passed the limit that ended on it. counts_as: how
    the last objection that was right said that it counts.
    """

    village: DivisionCode
    category: str | None
    claimed_on: date | None = None
    limit_working_days: int = 0
    limit_now: int = 0
    due_on: date = date.max
    judged_due_on: date | None = None
    limit_passed: int = 0
    paused_on: date | None = None
    paused_working_days: int = 0
    reported_on: date | None = None
    completed: bool = False
    withdrawn: bool = False
    findings: int = 0
    passed_first_recheck: int = 0
    counts_as: str | None = None


@dataclass(slots=True)
class _Told:
    """What has been told: the lists' parts, and every share."""

    categories: dict[tuple[int, str], str] = field(default_factory=dict)
    shares: dict[ShareId, _Share] = field(default_factory=dict)


def facts_from_events(
    events: Iterable[EventBody],
    townships: Mapping[DivisionCode, DivisionCode],
    *,
    period_from: date,
    period_to: date,
    assessed_on: date,
    add_working_days: AddWorkingDays,
) -> dict[DivisionCode, Facts]:
    """The facts of each division for a period, as they were known on the day of the assessment.

    events: of `pub.access.v1`, `pub.tasks.v1`, `pub.inspection.v1` and `pub.assessment.v1` up to the assessment, from
    the first one on, each aggregate's in order; all others are passed over. townships: each village of the tree, with
    the division that is ranked (itself where villages are). add_working_days: by the calendar of the State Council with
    the county's own corrections; it moves a date that had passed when its limit was changed. A past that was imported
    has no events: add the facts of its rows.
    """
    told = _Told()
    for event in events:
        _hear(told, event, add_working_days)
    facts = dict.fromkeys(townships.values(), NO_FACTS)
    for ranked in townships.values():
        facts[ranked] += Facts(1, {})
    for share in told.shares.values():
        counted = _counted(share, period_from, period_to, assessed_on)
        if counted is not None and share.village in townships:
            stratum = Stratum.of(share.category, share.limit_working_days)
            facts[townships[share.village]] += Facts(0, {stratum: counted})
    return facts


def _hear(told: _Told, event: EventBody, add_working_days: AddWorkingDays) -> None:
    match event:
        case ListVersionTookEffect(list_code=code) if code == VILLAGE_LIST:
            told.categories |= {(event.version, item.code): item.category for item in event.items}
        case TaskPublished():
            category = told.categories.get((event.list_version or 0, event.item or ""))
            told.shares |= {each.share: _Share(each.village, category) for each in event.shares}
        case ObjectionDecided():
            for each in event.corrections or ():
                if each.share in told.shares:
                    told.shares[each.share].counts_as = each.counts_as
        case VisitClosed() if event.share in told.shares:
            _close_visit(told.shares[event.share], event)
        case (
            ShareClaimed()
            | ShareLimitChanged()
            | SharePaused()
            | ShareResumed()
            | ShareReportedDone()
            | ShareCompleted()
            | ShareWithdrawn()
        ) if event.share in told.shares:
            _change(told.shares[event.share], event, add_working_days)
        case _:
            pass  # a refusal, a meeting, a report of progress, a photo: none of it can count


def _change(share: _Share, event: EventBody, add_working_days: AddWorkingDays) -> None:
    match event:
        case ShareClaimed():
            share.claimed_on, share.due_on = event.claimed_on, event.due_on
            share.limit_working_days = share.limit_now = event.limit_working_days
        case ShareLimitChanged():
            _change_limit(share, event, add_working_days)
        case SharePaused():
            share.paused_on = event.paused_on
        case ShareResumed():
            _resume(share, event, add_working_days)
        case ShareReportedDone():
            share.reported_on, share.paused_on = event.reported_on, None
        case ShareCompleted():
            share.completed = True
        case ShareWithdrawn():
            share.withdrawn = True


def _change_limit(share: _Share, event: ShareLimitChanged, add_working_days: AddWorkingDays) -> None:
    """A village that changes its limit when it has passed does not make late work on time; a granted extension does.

    What is learned of the calendar moves the date that had passed as well.
    """
    if event.code == "extension":
        share.judged_due_on = None
    elif event.code == "own" and share.judged_due_on is None:
        if (share.paused_on or event.changed_on) > share.due_on:
            share.judged_due_on, share.limit_passed = share.due_on, share.limit_now
    elif event.code == "calendar" and share.judged_due_on is not None and share.claimed_on is not None:
        days = min(share.limit_passed + share.paused_working_days, CLOCK_WORKING_DAYS_MAX)
        share.judged_due_on = add_working_days(share.claimed_on, days)
    share.due_on, share.limit_now = event.due_on, event.limit_working_days


def _resume(share: _Share, event: ShareResumed, add_working_days: AddWorkingDays) -> None:
    """What on time is judged by moves as the due date does, which the event tells."""
    if share.judged_due_on is not None and event.paused_working_days > 0:
        days = min(event.paused_working_days, CLOCK_WORKING_DAYS_MAX)
        share.judged_due_on = add_working_days(share.judged_due_on, days)
    share.paused_on, share.due_on = None, event.due_on
    share.paused_working_days += event.paused_working_days


def _close_visit(share: _Share, event: VisitClosed) -> None:
    share.findings += event.findings
    share.passed_first_recheck += max(0, event.findings - event.failed_rechecks)
    if not event.passed and not share.completed:
        share.reported_on = None  # back in the village's hands


def _counted(share: _Share, period_from: date, period_to: date, assessed_on: date) -> Tally | None:
    """What a share counts once its end is known: completed, or its limit passed while it was in the village's hands.

    A clock that stands still keeps what was not late yet from becoming so; what was late already stays late.
    """
    if share.counts_as == "left_out" or share.withdrawn:
        return None
    if share.claimed_on is None or not period_from <= share.claimed_on <= period_to:
        return None
    reported_on = share.reported_on
    if reported_on is not None and not share.completed:
        return None  # it waits for its visit
    due = share.judged_due_on or share.due_on
    done = reported_on is not None and reported_on <= period_to
    if done or (due <= period_to and due < (share.paused_on or assessed_on)):
        # Judged anew, not as it was told on completion: an extension may be granted when the work is done.
        on_time = share.counts_as == "on_time" or (reported_on is not None and reported_on <= due)
        if share.counts_as == "without_findings":
            return Tally(1, int(on_time), 0, 0)
        return Tally(1, int(on_time), share.findings, share.passed_first_recheck)
    return None
