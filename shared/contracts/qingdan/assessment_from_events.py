"""The facts of an assessment from the public events alone: what an auditor computes without our database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

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
    TaskPublished,
)

VILLAGE_LIST = "village"


@dataclass(slots=True)
class _Share:
    """What the events so far say of a share.

    limit_working_days: the first limit, which tells what is like work. judged_due_on: the day by which on time is
    judged, where it is not due_on. counts_as: how the last objection that was right said that it counts.
    """

    village: DivisionCode
    category: str | None
    claimed_on: date | None = None
    limit_working_days: int = 0
    due_on: date = date.max
    judged_due_on: date | None = None
    paused_on: date | None = None
    reported_on: date | None = None
    completed: bool = False
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
) -> dict[DivisionCode, Facts]:
    """The facts of each division for a period, as they were known on the day of the assessment.

    events: of `pub.access.v1`, `pub.tasks.v1`, `pub.inspection.v1` and `pub.assessment.v1` up to the assessment, from
    the first one on, each aggregate's in order; all others are passed over. townships: each village of the tree, with
    the division that is ranked (itself where villages are). A past that was imported has no events: add the facts of
    its rows.
    """
    told = _Told()
    for event in events:
        _hear(told, event)
    facts = dict.fromkeys(townships.values(), NO_FACTS)
    for ranked in townships.values():
        facts[ranked] += Facts(1, {})
    for share in told.shares.values():
        counted = _counted(share, period_from, period_to, assessed_on)
        if counted is not None and share.village in townships:
            stratum = Stratum.of(share.category, share.limit_working_days)
            facts[townships[share.village]] += Facts(0, {stratum: counted})
    return facts


def _hear(told: _Told, event: EventBody) -> None:
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
        ) if event.share in told.shares:
            _change(told.shares[event.share], event)
        case _:
            pass  # a refusal, a withdrawal, a meeting, a report of progress, a photo: none of it can count


def _change(share: _Share, event: EventBody) -> None:
    match event:
        case ShareClaimed():
            share.claimed_on, share.due_on = event.claimed_on, event.due_on
            share.limit_working_days = event.limit_working_days
        case ShareLimitChanged():
            _change_limit(share, event)
        case SharePaused():
            share.paused_on = event.paused_on
        case ShareResumed():
            share.paused_on, share.due_on = None, event.due_on
            share.judged_due_on = event.judged_due_on or share.judged_due_on
        case ShareReportedDone():
            share.reported_on, share.paused_on = event.reported_on, None
        case ShareCompleted():
            share.completed = True


def _change_limit(share: _Share, event: ShareLimitChanged) -> None:
    """A village that changes its limit when it has passed does not make late work on time; a granted extension does.

    The event names the day that on time is judged by; events from before it did are told by their own date.
    """
    judged = None if event.code == "extension" else event.judged_due_on or share.judged_due_on
    if judged is None and event.code == "own" and (share.paused_on or event.changed_on) > share.due_on:
        judged = share.due_on
    share.due_on, share.judged_due_on = event.due_on, judged


def _close_visit(share: _Share, event: VisitClosed) -> None:
    share.findings += event.findings
    share.passed_first_recheck += max(0, event.findings - event.failed_rechecks)
    if not event.passed and not share.completed:
        share.reported_on = None  # back in the village's hands


def _counted(share: _Share, period_from: date, period_to: date, assessed_on: date) -> Tally | None:
    """What a share counts once its end is known: completed, or its limit passed while it was in the village's hands.

    A clock that stands still keeps what was not late yet from becoming so; what was late already stays late.
    """
    if share.counts_as == "left_out":
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
