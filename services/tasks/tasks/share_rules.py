"""Decisions on a village's share: claimed with the village's own limit, refused, reported on, completed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, DepartmentCode, ItemCode, ShareId, TaskId, Title
from qingdan.inspection_events import VisitClosed
from qingdan.origin import Origin
from qingdan.tasks_events import (
    AskKind,
    AskRefused,
    RefusalCode,
    ShareCompleted,
    ShareProgressed,
    ShareRefused,
    ShareReportedDone,
    WorksFacts,
)
from runtime.problems import Refusal
from runtime.workdays import Calendar

ShareState = Literal["published", "claimed", "refused", "reported_done", "completed", "withdrawn"]
VillageCode = Literal["off_list", "beyond_item", "duplicate", "no_means", "already_supplied"]
"""The reasons for which a village may lawfully say no."""

USED_WORKING_DAYS_MAX: Final = 10_000  # as far as the contract counts


class ShareAlreadyClaimed(Refusal):
    """This share of the task has been claimed. 该任务份额已被认领。

    What turns out to be too much can be raised as a difficulty. 认领后无力完成的，可以提交困难反馈。
    """

    status = 409


class ShareNotClaimed(Refusal):
    """This share of the task has not been claimed yet. 该任务份额尚未认领。

    Claim it first, and set your own time limit. 请先认领，并自行确定时限。
    """

    status = 409


class ShareWasRefused(Refusal):
    """The village has lawfully said no to this share. 该村已依法拒绝该任务份额。"""

    status = 409


class ShareWasWithdrawn(Refusal):
    """This share was withdrawn: nothing is asked of you any more. 该任务份额已撤回，您无需再做任何工作。"""

    status = 409


class RefusalOverturned(Refusal):
    """The county has decided that this reason does not hold here. 县级已裁定此理由不成立。

    Claim the share, or say no for another reason. 请认领该任务份额，或以其他理由拒绝。
    """

    status = 409


class ShareAlreadyDone(Refusal):
    """This share has been reported as done. 该任务份额已报告完成。"""

    status = 409


@dataclass(frozen=True, slots=True)
class Share:
    """A village's share as it stands.

    claimed_on and due_on are there from the claim on, reported_on while it is reported as done. open_to: whether each
    village does its share, or whoever claims first does it all. latest_on: the statutory latest date, if there is one.
    judged_due_on: the date that on time is judged by, where the limit was changed after it had passed. The limit is the
    one in force; paused_working_days are those of the pauses that are over, waiting_for and paused_on belong to the
    pause under way.
    """

    id: ShareId
    task: TaskId
    village: DivisionCode
    origin: Origin
    list_version: int | None
    item: ItemCode | None
    department: DepartmentCode
    kind: AskKind
    title_zh: Title
    title_en: Title
    inspect_on_completion: bool
    state: ShareState
    claimed_on: date | None
    due_on: date | None
    reported_on: date | None
    version: int
    open_to: Literal["each", "first"] = "each"
    latest_on: date | None = None
    judged_due_on: date | None = None
    limit_working_days: int | None = None
    provisional: bool | None = None
    paused_working_days: int = 0
    waiting_for: str | None = None
    paused_on: date | None = None


@dataclass(frozen=True, slots=True)
class Inspected:
    """What closed visits mean for a share: what to add to its visits and findings, its state, its completion if any."""

    visits: int
    findings: int
    passed_first_recheck: int
    state: ShareState
    completed: ShareCompleted | None


def refuse(
    share: Share,
    code: VillageCode,
    ask: AskId,
    list_version: int | None,
    *,
    overturned: Collection[RefusalCode] = (),
    today: date,
) -> tuple[AskRefused | None, ShareRefused]:
    """The village says no; both events tell of the same no, one as counted by department, one to the task.

    list_version: the version in force today, for a share whose task needed none. Where no list is in force either,
    there is no version that the department's count could be bound to, and only the task is told. overturned: the
    reasons that the county has decided do not hold for this share. Only what is not claimed can be refused: a claim is
    the village's own word. Raises ShareAlreadyClaimed, ShareWasRefused, ShareWasWithdrawn, RefusalOverturned.
    """
    require_unclaimed(share)
    if code in overturned:
        raise RefusalOverturned(share=str(share.id), code=code)
    bound_to = share.list_version or list_version
    asked = (
        None
        if bound_to is None
        else AskRefused(
            ask=ask,
            department=share.department,
            kind=share.kind,
            code=RefusalCode(code),
            decided_by="village",
            list_version=bound_to,
            nearest_item=share.item,
            division=share.village,
            refused_on=today,
            origin=share.origin,
        )
    )
    refused = ShareRefused(
        task=share.task,
        share=share.id,
        village=share.village,
        department=share.department,
        code=RefusalCode(code),
        list_version=share.list_version,
        refused_on=today,
        origin=share.origin,
    )
    return asked, refused


def progress(
    share: Share, percent: int, photo_sha256: Sequence[str], works: WorksFacts | None = None, *, today: date
) -> ShareProgressed:
    """The village reports how far it is, in percent; 100 completes nothing: only the report of being done does.

    works: what public works took and saved so far; a later report may put it right, downwards too. It counts nothing.
    Raises ShareNotClaimed, ShareAlreadyDone, ShareWasRefused.
    """
    require_under_way(share)
    return ShareProgressed(
        task=share.task,
        share=share.id,
        village=share.village,
        percent=percent,
        photo_sha256=tuple(photo_sha256),
        reported_on=today,
        origin=share.origin,
        works=works,
    )


def report_done(
    share: Share, photo_sha256: Sequence[str], calendar: Calendar, works: WorksFacts | None = None, *, today: date
) -> tuple[ShareReportedDone, ShareCompleted | None]:
    """The village reports its share as done; it is complete at once, unless its item asks for a visit first.

    Raises ShareNotClaimed, ShareAlreadyDone, ShareWasRefused.
    """
    require_under_way(share)
    done = ShareReportedDone(
        task=share.task,
        share=share.id,
        village=share.village,
        photo_sha256=tuple(photo_sha256),
        reported_on=today,
        origin=share.origin,
        works=works,
    )
    return done, None if share.inspect_on_completion else _complete(share, today, calendar, completed_on=today)


def close_visit(share: Share, closed: VisitClosed, calendar: Calendar) -> Inspected:
    """A visit is closed: its findings are kept, and where the share waits for it, it decides.

    A passed visit completes what was reported as done; one that is not passed gives it back into the village's hands.
    While the village is still at work only the findings are kept. Of a visit with f findings and r failed re-checks
    at least f - r findings passed their first re-check; no more than that is taken for granted.
    """
    state: ShareState = share.state
    completed = None
    if share.state == "reported_done":
        assert share.reported_on is not None
        state = "completed" if closed.passed else "claimed"
        if closed.passed:
            completed_on = max(closed.closed_on, share.reported_on)
            completed = _complete(share, share.reported_on, calendar, completed_on=completed_on)
    return Inspected(1, closed.findings, max(0, closed.findings - closed.failed_rechecks), state, completed)


def after_visit(share: Share, inspected: Inspected) -> Share:
    """The share as a closed visit leaves it, for the next one that is closed."""
    reported_on = None if inspected.state == "claimed" else share.reported_on
    return replace(share, state=inspected.state, reported_on=reported_on)


def together(earlier: Inspected, later: Inspected) -> Inspected:
    """Two visits of one share, told at once."""
    return Inspected(
        earlier.visits + later.visits,
        earlier.findings + later.findings,
        earlier.passed_first_recheck + later.passed_first_recheck,
        later.state,
        later.completed or earlier.completed,
    )


def _complete(share: Share, reported_on: date, calendar: Calendar, *, completed_on: date) -> ShareCompleted:
    """The village's clock stops with its report: waiting for the visit is not its time, nor any pause."""
    assert share.claimed_on is not None
    assert share.due_on is not None
    used = calendar.working_days_between(share.claimed_on, reported_on) - share.paused_working_days
    return ShareCompleted(
        task=share.task,
        share=share.id,
        village=share.village,
        completed_on=completed_on,
        due_on=share.due_on,
        used_working_days=min(max(used, 0), USED_WORKING_DAYS_MAX),
        on_time=reported_on <= (share.judged_due_on or share.due_on),
        origin=share.origin,
    )


def require_unclaimed(share: Share) -> None:
    """Raises ShareAlreadyClaimed, ShareWasRefused, ShareWasWithdrawn."""
    if share.state == "withdrawn":
        raise ShareWasWithdrawn(share=str(share.id))
    if share.state == "refused":
        raise ShareWasRefused(share=str(share.id))
    if share.state != "published":
        raise ShareAlreadyClaimed(share=str(share.id), state=share.state)


def require_under_way(share: Share) -> None:
    """Raises ShareNotClaimed, ShareAlreadyDone, ShareWasRefused, ShareWasWithdrawn."""
    if share.state == "withdrawn":
        raise ShareWasWithdrawn(share=str(share.id))
    if share.state == "published":
        raise ShareNotClaimed(share=str(share.id))
    if share.state == "refused":
        raise ShareWasRefused(share=str(share.id))
    if share.state != "claimed":
        raise ShareAlreadyDone(share=str(share.id), state=share.state)
