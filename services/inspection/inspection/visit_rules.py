"""Decisions on visits: when one is planned, what doing it causes, when it is closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from inspection.finding_rules import Finding, Found
from qingdan.divisions import DivisionCode
from qingdan.event import EventBody
from qingdan.ids import FindingId, ShareId, SuggestionId, TaskId, VisitId
from qingdan.inspection_events import FindingRaised, SuggestionMade, VisitClosed, VisitDone, VisitPlanned
from qingdan.origin import Origin
from runtime.problems import Refusal
from runtime.workdays import Calendar

ShareState = Literal["published", "claimed", "refused", "reported_done", "completed", "withdrawn"]
VisitState = Literal["planned", "done", "closed"]

COMPLETION_VISIT_WORKING_DAYS: Final = 3  # a village that reported its share done does not wait long for the team
PLANNED_AHEAD_MAX: Final = timedelta(days=366)
FAILED_RECHECKS_MAX: Final = 1000  # the contract counts no further; it then means this many or more


class NothingReported(Refusal):
    """The village has not reported on this share yet: there is nothing to visit.
    该村尚未就此任务报告进展，暂无可检查的内容。
    """

    status = 409


class ShareWasRefused(Refusal):
    """The village lawfully said no to this share: there is nothing to visit. 该村已依法拒绝该任务，无需检查。"""

    status = 409


class ShareWasWithdrawn(Refusal):
    """This share need not be done any more: there is nothing to visit. 该任务份额已撤回，无需检查。"""

    status = 409


class VisitIsOpen(Refusal):
    """A visit of this share is under way; one at a time is enough. 该任务已有正在进行的检查，不重复检查。"""

    status = 409


class VisitDayOutOfReach(Refusal):
    """A visit is planned for today or a day within one year. 检查日期须为今天起一年之内。"""

    status = 422


class VisitIsDone(Refusal):
    """This visit has been done. 该检查已完成。"""

    status = 409


class VisitDayImpossible(Refusal):
    """A visit is done between the village's report and today. 检查日期须在村里报告之日与今天之间。"""

    status = 422


@dataclass(frozen=True, slots=True)
class Share:
    """What a visit must know of a village's share.

    inspect_on_completion: None as long as nobody has told; see `plan_on_completion`.
    """

    id: ShareId
    task: TaskId
    village: DivisionCode
    origin: Origin
    state: ShareState
    reported_on: date | None
    inspect_on_completion: bool | None
    open_visit: VisitId | None


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as it stands."""

    id: VisitId
    share: ShareId
    task: TaskId
    village: DivisionCode
    origin: Origin
    state: VisitState
    reported_on: date
    failed_rechecks: int
    version: int


@dataclass(frozen=True, slots=True)
class Raised:
    """A finding and the suggestion that always comes with it, and the words that no event carries."""

    finding: FindingRaised
    suggestion: SuggestionMade
    words: Found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a visit on the spot causes; it is closed at once when nothing was found."""

    done: VisitDone
    raised: tuple[Raised, ...]
    closed: VisitClosed | None

    @property
    def events(self) -> tuple[EventBody, ...]:
        """All of them in the order in which they are told."""
        told = [event for both in self.raised for event in (both.finding, both.suggestion)]
        return (self.done, *told, *((self.closed,) if self.closed is not None else ()))


def plan(share: Share, visit: VisitId, planned_on: date, *, today: date) -> VisitPlanned:
    """A supervisor plans a visit because of the village's report.

    Raises NothingReported, ShareWasRefused, ShareWasWithdrawn, VisitIsOpen, VisitDayOutOfReach.
    """
    if share.state == "refused":
        raise ShareWasRefused()
    if share.state == "withdrawn":
        raise ShareWasWithdrawn()
    if share.reported_on is None:
        raise NothingReported()
    if share.open_visit is not None:
        raise VisitIsOpen(visit=str(share.open_visit))
    if not today <= planned_on <= today + PLANNED_AHEAD_MAX:
        raise VisitDayOutOfReach(earliest=str(today), latest=str(today + PLANNED_AHEAD_MAX))
    return _planned(share, visit, planned_on)


def plan_on_completion(share: Share, visit: VisitId, calendar: Calendar, *, today: date) -> VisitPlanned | None:
    """The village reported its share done: plan the visit that its item asks for, unless one is under way.

    Where nobody has told whether the item asks for it, no visit is planned: a visit is a burden too, and a
    supervisor can still plan it from the report.
    """
    if not share.inspect_on_completion or share.open_visit is not None:
        return None
    return _planned(share, visit, calendar.add_working_days(today, COMPLETION_VISIT_WORKING_DAYS).on)


def finish(
    visit: Visit, done_on: date, found: Sequence[tuple[FindingId, SuggestionId, Found]], *, today: date
) -> Outcome:
    """The team was on the spot and found these problems, or none.

    Raises VisitIsDone, VisitDayImpossible.
    """
    if visit.state != "planned":
        raise VisitIsDone(visit=str(visit.id))
    if not visit.reported_on <= done_on <= today:
        raise VisitDayImpossible(visit=str(visit.id), earliest=str(visit.reported_on), latest=str(today))
    done = VisitDone(
        visit=visit.id,
        task=visit.task,
        share=visit.share,
        village=visit.village,
        done_on=done_on,
        findings=len(found),
        origin=visit.origin,
    )
    raised = tuple(_raised(visit, finding, suggestion, seen, done_on) for finding, suggestion, seen in found)
    return Outcome(done, raised, None if raised else _closed(visit, 0, closed_on=today))


def close(visit: Visit, findings: Sequence[Finding], *, today: date) -> VisitClosed | None:
    """The end of a visit whose findings have all passed a re-check; None as long as one has not."""
    if visit.state != "done" or any(finding.state != "passed" for finding in findings):
        return None
    return _closed(visit, len(findings), closed_on=today)


def _planned(share: Share, visit: VisitId, planned_on: date) -> VisitPlanned:
    return VisitPlanned(
        visit=visit,
        task=share.task,
        share=share.id,
        village=share.village,
        planned_on=planned_on,
        origin=share.origin,
    )


def _raised(visit: Visit, finding: FindingId, suggestion: SuggestionId, words: Found, on: date) -> Raised:
    return Raised(
        FindingRaised(
            visit=visit.id,
            finding=finding,
            village=visit.village,
            category=words.category,
            raised_on=on,
            origin=visit.origin,
        ),
        SuggestionMade(
            visit=visit.id,
            finding=finding,
            suggestion=suggestion,
            village=visit.village,
            made_on=on,
            origin=visit.origin,
        ),
        words,
    )


def _closed(visit: Visit, findings: int, *, closed_on: date) -> VisitClosed:
    return VisitClosed(
        visit=visit.id,
        task=visit.task,
        share=visit.share,
        village=visit.village,
        origin=visit.origin,
        passed=True,
        findings=findings,
        failed_rechecks=min(visit.failed_rechecks, FAILED_RECHECKS_MAX),
        closed_on=closed_on,
    )
