"""What should become of a village's share, said once more and in another way than the service says it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeVar

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.origin import Origin
from runtime.actor import Actor, Role
from runtime.problems import Forbidden, NotFound, Refusal, StaleVersion
from runtime.workdays import Calendar, DueDate
from tasks.claim_rules import BeyondStatutoryDate, LimitInThePast, TaskTaken
from tasks.clock_rules import ClockRuns, ClockStandsStill, NotWaitedFor
from tasks.share_rules import (
    RefusalOverturned,
    ShareAlreadyClaimed,
    ShareAlreadyDone,
    ShareNotClaimed,
    ShareWasRefused,
    ShareWasWithdrawn,
)
from tests.integration.tasks.county_lists import COUNTY, TOWN_OF

T = TypeVar("T")
Told = tuple[str, dict[str, Any]]
"""An event that should be told: its type, and what it should say among other things."""

CLOCK_MAX = 1000


class Foreseen(Exception):
    """The service should refuse this, with that refusal; `told`: what is told all the same."""

    def __init__(self, refusal: type[Refusal], told: Iterable[Told] = ()) -> None:
        super().__init__(refusal.__name__)
        self.refusal = refusal
        self.told = list(told)


class Unforeseen(AssertionError):
    """The service answers otherwise than it should."""

    def __init__(self, should: str, answer: object) -> None:
        super().__init__(f"{should}, is {answer!r} {getattr(answer, 'details', '')}")


def given(answer: object, *kinds: type[T]) -> T:
    """The answer, which should be of one of these kinds. Raises Unforeseen."""
    if not isinstance(answer, kinds):
        raise Unforeseen(f"should be {[kind.__name__ for kind in kinds]}", answer)
    return answer


def require(actor: Actor, *roles: Role) -> None:
    if actor.roles.isdisjoint(roles):
        raise Foreseen(Forbidden)


def sees(actor: Actor, place: DivisionCode, department: str | None = None) -> bool:
    """Whether a row of that place, and of that department where it has one, is there for the actor."""
    above = {place, TOWN_OF.get(place, place), COUNTY}
    return actor.division in above and (department is None or actor.department in (None, department))


@dataclass
class Share:
    """A share as it should be."""

    id: ShareId
    task: TaskId
    village: DivisionCode
    origin: Origin
    department: str
    kind: str
    title: str
    item: str | None
    list_version: int | None
    inspect: bool
    hours: int | None
    latest_on: date | None
    open_to: Literal["each", "first"]
    published_on: date
    state: str = "published"
    version: int = 1
    limit: int | None = None
    limit_at_claim: int | None = None
    claimed_by: str | None = None
    claimed_on: date | None = None
    due_on: date | None = None
    judged_due_on: date | None = None
    provisional: bool | None = None
    percent: int = 0
    reported_on: date | None = None
    completed_on: date | None = None
    used: int | None = None
    waiting_for: str | None = None
    paused_on: date | None = None
    paused_days: int = 0
    refusal_code: str | None = None
    refused_on: date | None = None
    withdrawn_on: date | None = None
    visits: int = 0
    findings: int = 0
    passed: int = 0
    reports: int = 0
    limits: int = 0
    pauses: int = 0
    beyond_budget: bool = False
    limit_passed: int | None = None  # the limit whose date had passed when the village changed it
    overturned: set[str] = field(default_factory=set)

    def told(self, type_: str, **says: Any) -> Told:
        return type_, {"share": self.id, "task": self.task, "village": self.village, **says}

    # -- whether it is there, as it was seen, and whose it is ------------------------------------------------------

    def require_seen(self, actor: Actor, version: int) -> None:
        if not sees(actor, self.village, self.department):
            raise Foreseen(NotFound)
        if self.version != version and self.state != "withdrawn":
            raise Foreseen(StaleVersion)

    def require_unclaimed(self) -> None:
        if self.state != "published":
            raise Foreseen(
                {"withdrawn": ShareWasWithdrawn, "refused": ShareWasRefused}.get(self.state, ShareAlreadyClaimed)
            )

    def require_under_way(self) -> None:
        if self.state != "claimed":
            wrong = {"withdrawn": ShareWasWithdrawn, "published": ShareNotClaimed, "refused": ShareWasRefused}
            raise Foreseen(wrong.get(self.state, ShareAlreadyDone))

    # -- its claim ---------------------------------------------------------------------------------------------------

    def require_claimable(self, limit: int, days: Calendar, today: date) -> None:
        if self.state == "withdrawn" and self.open_to == "first":
            raise Foreseen(TaskTaken)
        self.require_unclaimed()
        self.require_lawful(days.add_working_days(today, limit).on, days.add_working_days(today, 1).on)

    def claim(self, actor: Actor, limit: int, days: Calendar, today: date) -> Told:
        due = days.add_working_days(today, limit)
        self.state, self.version = "claimed", self.version + 1
        self.limit = self.limit_at_claim = limit
        self.claimed_by, self.claimed_on, self.due_on, self.provisional = actor.subject, today, due.on, due.provisional
        return self.told("share.claimed.v1", limit_working_days=limit, due_on=due.on, claimed_on=today)

    def change_limit(self, limit: int, days: Calendar, today: date) -> Told:
        self.require_under_way()
        assert self.due_on is not None
        due = self.due_with(limit, days)
        if due.on < today:
            raise Foreseen(LimitInThePast)
        self.require_lawful(due.on, self.due_with(1, days).on)
        if (self.paused_on or today) > self.due_on and self.judged_due_on is None:
            self.judged_due_on, self.limit_passed = self.due_on, self.limit  # what was late stays late
        self.limit, self.due_on, self.provisional = limit, due.on, due.provisional
        self.version, self.limits = self.version + 1, self.limits + 1
        return self.told("share.limit-changed.v1", code="own", limit_working_days=limit, due_on=due.on)

    def extend(self, limit: int, days: Calendar) -> Told:
        """An extension was granted: whatever had passed, the share is judged by its due date again."""
        due = self.due_with(limit, days)
        self.limit, self.due_on, self.provisional = limit, due.on, due.provisional
        self.judged_due_on = self.limit_passed = None
        self.version, self.limits = self.version + 1, self.limits + 1
        return self.told("share.limit-changed.v1", code="extension", limit_working_days=limit, due_on=due.on)

    def due_with(self, limit: int, days: Calendar) -> DueDate:
        """When that limit ends, with what the clock stood still."""
        assert self.claimed_on is not None
        return days.add_working_days(self.claimed_on, min(limit + self.paused_days, CLOCK_MAX))

    def require_lawful(self, due_on: date, shortest: date) -> None:
        if self.latest_on is not None and due_on > max(self.latest_on, shortest):
            raise Foreseen(BeyondStatutoryDate)

    # -- its clock ---------------------------------------------------------------------------------------------------

    def pause(self, waiting_for: str, today: date) -> Told:
        self.require_under_way()
        if self.paused_on is not None:
            raise Foreseen(ClockStandsStill)
        self.waiting_for, self.paused_on = waiting_for, today
        self.version, self.pauses = self.version + 1, self.pauses + 1
        return self.told("share.paused.v1", waiting_for=waiting_for, paused_on=today)

    def resume(self, actor: Actor, days: Calendar, today: date) -> Told:
        if self.paused_on is None:
            raise Foreseen(ClockRuns)
        if Role.VILLAGE_CADRE not in actor.roles and self.waiting_for != "department":
            raise Foreseen(NotWaitedFor)
        self.version += 1
        return self.run_on(self.paused_on, days, today)

    def run_on(self, since: date, days: Calendar, today: date) -> Told:
        """The clock runs again after it stood still since that day."""
        assert self.limit is not None
        stood = max(0, days.working_days_between(since, today))
        self.paused_days += stood
        due = self.due_with(self.limit, days)
        self.due_on, self.provisional = due.on, due.provisional
        if self.judged_due_on is not None and stood:
            self.judged_due_on = days.add_working_days(self.judged_due_on, min(stood, CLOCK_MAX)).on
        self.waiting_for = self.paused_on = None
        return self.told("share.resumed.v1", paused_working_days=stood, due_on=due.on, resumed_on=today)

    def recount(self, days: Calendar) -> list[Told]:
        if not self.provisional or self.state not in ("claimed", "reported_done"):
            return []
        assert self.limit is not None
        due, judged = self.due_with(self.limit, days), self.judged_due_on
        if judged is not None and self.limit_passed is not None:
            judged = self.due_with(self.limit_passed, days).on
        if (due.on, due.provisional, judged) == (self.due_on, self.provisional, self.judged_due_on):
            return []
        self.due_on, self.provisional, self.judged_due_on = due.on, due.provisional, judged
        self.version += 1
        return [self.told("share.limit-changed.v1", code="calendar", limit_working_days=self.limit, due_on=due.on)]

    # -- the work ----------------------------------------------------------------------------------------------------

    def progress(self, percent: int, today: date) -> Told:
        self.require_under_way()
        self.percent, self.version, self.reports = percent, self.version + 1, self.reports + 1
        return self.told("share.progressed.v1", percent=percent, reported_on=today)

    def report_done(self, days: Calendar, today: date) -> list[Told]:
        self.require_under_way()
        told = [] if self.paused_on is None else [self.run_on(self.paused_on, days, today)]
        self.state, self.percent, self.reported_on = "reported_done", 100, today
        self.version, self.reports = self.version + 1, self.reports + 1
        told.append(self.told("share.reported-done.v1", reported_on=today))
        return told if self.inspect else [*told, self._complete(today, days)]

    def close_visit(self, passed: bool, findings: int, failed: int, days: Calendar, closed_on: date) -> list[Told]:
        """What one visit means; the version grows once for all visits that are told at once."""
        self.visits, self.findings = self.visits + 1, self.findings + findings
        self.passed += max(0, findings - failed)
        if self.state != "reported_done":
            return []
        assert self.reported_on is not None
        if passed:
            return [self._complete(max(closed_on, self.reported_on), days)]
        told = self.run_on(self.reported_on, days, max(closed_on, self.reported_on))
        self.state, self.reported_on, self.pauses = "claimed", None, self.pauses + 1
        return [told]

    def _complete(self, completed_on: date, days: Calendar) -> Told:
        assert self.claimed_on is not None
        assert self.reported_on is not None
        self.state, self.completed_on = "completed", completed_on
        took = days.working_days_between(self.claimed_on, self.reported_on) - self.paused_days
        self.used = min(max(took, 0), 10_000)
        return self.told("share.completed.v1", used_working_days=self.used, on_time=self.on_time, due_on=self.due_on)

    @property
    def judged(self) -> date | None:
        return self.judged_due_on or self.due_on

    @property
    def on_time(self) -> bool:
        return self.reported_on is not None and self.judged is not None and self.reported_on <= self.judged

    # -- its no, and its end -----------------------------------------------------------------------------------------

    def refuse(self, code: str, version_today: int | None, today: date) -> list[Told]:
        self.require_unclaimed()
        if code in self.overturned:
            raise Foreseen(RefusalOverturned)
        self.state, self.refusal_code, self.refused_on, self.version = "refused", code, today, self.version + 1
        bound_to = self.list_version or version_today
        refused = self.told("share.refused.v1", code=code, list_version=self.list_version)
        asked = {"code": code, "decided_by": "village", "list_version": bound_to, "department": self.department}
        return [("ask.refused.v1", asked), refused] if bound_to is not None else [refused]

    def publish_again(self) -> None:
        """Its no was overturned."""
        assert self.refusal_code is not None
        self.overturned.add(self.refusal_code)
        self.state, self.refusal_code, self.refused_on, self.version = "published", None, None, self.version + 1

    def withdraw(self, today: date) -> Told:
        self.state, self.withdrawn_on, self.version = "withdrawn", today, self.version + 1
        return self.told("share.withdrawn.v1", code="taken", withdrawn_on=today)
