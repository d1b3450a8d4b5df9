"""What the services answer, as far as the story reads it; what else they say is left aside, as integrators do."""

from datetime import date
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from qingdan.burden_events import BurdenLine
from qingdan.divisions import DivisionCode
from qingdan.tasks_events import RefusalCode, ShareClaimed

T = TypeVar("T")


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Page(Answer, Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    next: str | None


class Imported(Answer):
    """What an import of divisions or of history did."""

    added: int


class Meeting(Answer):
    """A work meeting."""

    meeting: UUID


class Share(Answer):
    """A village's share, as either service lists it."""

    share: UUID
    task: UUID
    village: DivisionCode
    title_zh: str | None
    inspect_on_completion: bool | None
    state: str
    limit_working_days: int | None
    claimed_on: date | None
    due_on: date | None
    provisional: bool | None
    percent: int | None
    waiting_for: str | None = None
    version: int


class HeldMeeting(Answer):
    """A work meeting's record."""

    version: int


class Application(Answer):
    """A department's application for access."""

    application: UUID
    state: str
    item: str | None
    list_version: int | None
    review_by: date | None
    version: int


class Decision(Answer):
    """What became of an application by an opinion."""

    application: UUID
    outcome: str
    item: str | None
    list_version: int | None


class ListVersion(Answer):
    """A version of the list."""

    version: int
    items: int


class MergedAsk(Answer):
    """An ask that an earlier task answers."""

    ask: UUID
    into: UUID


class Appeal(Answer):
    """A department's appeal against a village's no."""

    ask: UUID
    state: str
    version: int


class OnDesk(Answer):
    """A share as it lies on a desk."""

    title_zh: str


class DeskPart(Answer):
    """One part of a desk."""

    count: int
    shares: tuple[OnDesk, ...]


class Today(Answer):
    """A village's desk today."""

    overdue: DeskPart
    due_today: DeskPart
    due_soon: DeskPart
    later: DeskPart
    waiting: DeskPart
    new: DeskPart


class BurdenTotals(Answer):
    """The sum of a burden's lines."""

    hours: int


class Burden(Answer):
    """What the villages below a division were asked for within a month."""

    lines: tuple[BurdenLine, ...]
    totals: BurdenTotals


class FeedOpened(Answer):
    """Where a calendar can be read."""

    path: str


class SharesClaimed(Answer):
    """A desk that was claimed at once."""

    claimed: tuple[ShareClaimed, ...]


class RefusedAsk(Answer):
    """An ask that the gate or a village said no to."""

    ask: UUID
    share: UUID | None
    department: str
    code: RefusalCode
    decided_by: str
    title_zh: str


class Visit(Answer):
    """A visit of the supervision team."""

    visit: UUID
    share: UUID
    village: DivisionCode
    title_zh: str | None
    state: str
    reported_on: date
    version: int


class Finding(Answer):
    """A problem that a visit found."""

    finding: UUID
    village: DivisionCode
    text: str
    suggestion: str
    state: str
    failed_rechecks: int
    version: int


class Difficulty(Answer):
    """What a village could not solve alone."""

    difficulty: UUID
    village: DivisionCode
    text: str
    state: str
    version: int


class Rank(Answer):
    """A division's place."""

    division: DivisionCode
    name_zh: str
    rank: int | None
    score_milli: int | None
    facts: dict[str, int]
    explanation_en: str
    explanation_zh: str


class Assessment(Answer):
    """A ranking."""

    assessment: UUID
    of: int
    ranks: tuple[Rank, ...]

    def rank_of(self, division: DivisionCode) -> int | None:
        """A division's rank; None where it has none."""
        return next((rank.rank for rank in self.ranks if rank.division == division), None)


class TasksStatistics(Answer):
    """Counts of the tasks service."""

    meetings: int
    tasks: int
    shares: int
    shares_claimed: int
    shares_completed: int
    shares_refused: int
    villages_claimed: int
    asks_refused_at_gate: int
    asks_refused_by_villages: int
    letters_signed: int
    history_rows: int


class SignageStatistics(Answer):
    """Counts of the signage service, in the scope or the village that was asked for."""

    signs_before: int
    signs_horizontal: int
    signs_vertical: int
    signs_hanging: int
    signs_removed: int
    orders: int
    orders_removed: int
    orders_contested: int
    requests_refused: int


class Sign(Answer):
    """A sign, as signage lists it."""

    sign: UUID
    village: DivisionCode
    wording: str
    position: str
    state: str


class RefusedSign(Answer):
    """A sign that a department asked for and may not hang."""

    sign: UUID


class Ordered(Answer):
    """How many removals one call ordered, and how many signs are left that may not hang."""

    ordered: int
    left: int


class Order(Answer):
    """A removal order."""

    order: UUID
    village: DivisionCode
    state: str


class SubsidyStatistics(Answer):
    """Counts of the subsidy service."""

    people: int
    runs: int
    runs_closed: int
    programmes_entitled: int
    entitlements: int
    obligations: int
    obligations_unpaid: int
    obligations_paid_twice: int
    payments_by_state: dict[str, int]
    payments_rejected_first: int
    payments_unknown_resolved: int
    paid_fen: int
    ledger_sum_fen: int
    ledger_fen_by_account: dict[str, int]
    oddities: int


class ProgrammeTotal(Answer):
    """What one programme comes to in a run."""

    programme: str
    payments: int
    total_fen: int


class Previewed(Answer):
    """A run as previewed."""

    run: UUID
    programmes: tuple[ProgrammeTotal, ...]


class RunView(Answer):
    """A run as it stands."""

    run: UUID
    state: str
    frozen_hash: str | None
    version: int


class ProgressStep(Answer):
    """A step of a run."""

    step: str
    state: str


class Progress(Answer):
    """How far a run has come."""

    steps: list[ProgressStep]


class Verified(Answer):
    """A run computed again, and held against what was approved."""

    run: UUID
    holds: bool


class PaidAgain(Answer):
    """How many payments were prepared once more."""

    payments: int


class Payment(Answer):
    """A payment."""

    payment: UUID
    state: str


class Reconciled(Answer):
    """What a statement said otherwise than our books, the first of it at least."""

    differences: int
    first: tuple[dict[str, Any], ...]


class InspectionStatistics(Answer):
    """Counts of the inspection service."""

    shares: int
    shares_claimed: int
    shares_completed: int
    visits: int
    visits_closed: int
    findings: int
    findings_passed: int
    rechecks_passed: int
    rechecks_failed: int
    difficulties_raised: int
    difficulties_answered: int


class Consumed(Answer):
    """The books of one subscription."""

    topic: str
    handled: int
    skipped: int
    parked: int
    repeated: int

    @property
    def records(self) -> int:
        """How many records came in."""
        return self.handled + self.skipped + self.parked + self.repeated


class Invariants(Answer):
    """A service's account of itself."""

    service: str
    outbox_unpublished: int
    events_published: int
    consumed: tuple[Consumed, ...]
    events_parked: int
    audit_entries: int
    audit_unsealed: int


class BankBook(Answer):
    """The bank's own book, which it keeps apart from ours."""

    settled: int
    paid_fen: int
    paid_twice: int


class AuditVerdict(Answer):
    """Whether a service's audit chains hold."""

    holds: bool
    entries: int
    broken: str | None
