"""The facts of an assessment from the public events alone: what an auditor computes without our database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from qingdan.access_events import ListVersionTookEffect
from qingdan.assessment import NO_FACTS, Facts, Stratum, Tally
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


@dataclass(slots=True)
class _Share:
    """What the events so far say of a share; `judged_due_on`: the day by which on time is judged."""

    village: DivisionCode
    category: str | None
    claimed_on: date | None = None
    limit_working_days: int = 0
    due_on: date = date.max
    judged_due_on: date | None = None
    paused_on: date | None = None
    reported_on: date | None = None
    on_time: bool | None = None
    withdrawn: bool = False
    findings: int = 0
    passed_first_recheck: int = 0


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

    events: of `pub.access.v1`, `pub.tasks.v1` and `pub.inspection.v1` up to the assessment, from the first one on, each
    aggregate's in order; all others are passed over. townships: each village of the tree, with the division that is
    ranked (itself where villages are). A past that was imported has no events: add the facts of its rows.
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
            _change(told.shares[event.share], event)
        case _:
            pass  # a refusal, a meeting, a report of progress, a photo: none of it can count


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
        case ShareReportedDone():
            share.reported_on, share.paused_on = event.reported_on, None
        case ShareCompleted():
            share.on_time = event.on_time
        case ShareWithdrawn():
            share.withdrawn = True


def _change_limit(share: _Share, event: ShareLimitChanged) -> None:
    """A village that changes its limit when it has passed does not make late work on time."""
    judged = share.judged_due_on or share.due_on
    if event.code == "own" and (share.paused_on or event.changed_on) > judged:
        share.judged_due_on = judged
    share.due_on = event.due_on


def _close_visit(share: _Share, event: VisitClosed) -> None:
    share.findings += event.findings
    share.passed_first_recheck += max(0, event.findings - event.failed_rechecks)
    if not event.passed and share.on_time is None:
        share.reported_on = None  # back in the village's hands


def _counted(share: _Share, period_from: date, period_to: date, assessed_on: date) -> Tally | None:
    """What a share counts once its end is known: completed, or its limit passed while it was in the village's hands."""
    if share.withdrawn or share.claimed_on is None or not period_from <= share.claimed_on <= period_to:
        return None
    done = share.on_time is not None and share.reported_on is not None
    in_hands = share.reported_on is None and share.paused_on is None
    due = share.judged_due_on or share.due_on
    if (done and share.reported_on is not None and share.reported_on <= period_to) or (
        (done or in_hands) and due <= period_to and due < assessed_on
    ):
        return Tally(1, int(bool(share.on_time)), share.findings, share.passed_first_recheck)
    return None
