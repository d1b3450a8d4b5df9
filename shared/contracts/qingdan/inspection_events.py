"""Events of the supervision loop: visits, findings, rectification, re-checks, doubts, difficulties."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.event import EventBody
from qingdan.ids import (
    DifficultyId,
    DoubtId,
    FindingId,
    OpenCode,
    PersonId,
    RecheckId,
    ShareId,
    SuggestionId,
    TaskId,
    VisitId,
)
from qingdan.origin import Origin

FindingCount = Annotated[int, Field(ge=0, le=1000)]


class VisitPlanned(EventBody):
    """A visit was planned because of a village's report on its share."""

    KEY: ClassVar[str] = "visit"

    type: Literal["visit.planned.v1"] = "visit.planned.v1"
    visit: VisitId
    task: TaskId
    share: ShareId
    village: DivisionCode
    planned_on: date
    origin: Origin


class VisitDone(EventBody):
    """The supervision team was on the spot."""

    KEY: ClassVar[str] = "visit"

    type: Literal["visit.done.v1"] = "visit.done.v1"
    visit: VisitId
    task: TaskId
    share: ShareId
    village: DivisionCode
    done_on: date
    findings: FindingCount
    origin: Origin


class FindingRaised(EventBody):
    """The team found a problem."""

    KEY: ClassVar[str] = "visit"

    type: Literal["finding.raised.v1"] = "finding.raised.v1"
    visit: VisitId
    finding: FindingId
    village: DivisionCode
    category: OpenCode
    raised_on: date
    origin: Origin | None = None


class SuggestionMade(EventBody):
    """The team suggested how to rectify a finding; the text stays in the service."""

    KEY: ClassVar[str] = "visit"

    type: Literal["suggestion.made.v1"] = "suggestion.made.v1"
    visit: VisitId
    finding: FindingId
    suggestion: SuggestionId
    village: DivisionCode
    made_on: date
    origin: Origin | None = None


class FindingRectified(EventBody):
    """The village says that a finding is rectified."""

    KEY: ClassVar[str] = "visit"

    type: Literal["finding.rectified.v1"] = "finding.rectified.v1"
    visit: VisitId
    finding: FindingId
    village: DivisionCode
    rectified_on: date
    origin: Origin | None = None


class RecheckPassed(EventBody):
    """The team checked again and found the finding rectified."""

    KEY: ClassVar[str] = "visit"

    type: Literal["recheck.passed.v1"] = "recheck.passed.v1"
    visit: VisitId
    finding: FindingId
    recheck: RecheckId
    village: DivisionCode
    checked_on: date
    origin: Origin | None = None


class RecheckFailed(EventBody):
    """The team checked again and the finding is still there."""

    KEY: ClassVar[str] = "visit"

    type: Literal["recheck.failed.v1"] = "recheck.failed.v1"
    visit: VisitId
    finding: FindingId
    recheck: RecheckId
    village: DivisionCode
    checked_on: date
    origin: Origin | None = None


class VisitClosed(EventBody):
    """A visit is closed; `passed` lets `tasks` complete the share."""

    KEY: ClassVar[str] = "visit"

    type: Literal["visit.closed.v1"] = "visit.closed.v1"
    visit: VisitId
    task: TaskId
    share: ShareId
    village: DivisionCode
    origin: Origin
    passed: bool
    findings: FindingCount
    failed_rechecks: FindingCount
    closed_on: date


class BeneficiaryDoubted(EventBody):
    """Somebody on the spot doubts that a person is entitled; payments to the person are looked at first."""

    KEY: ClassVar[str] = "doubt"

    type: Literal["beneficiary.doubted.v1"] = "beneficiary.doubted.v1"
    doubt: DoubtId
    person: PersonId
    reason: OpenCode


class DoubtCleared(EventBody):
    """A doubt about a person was cleared."""

    KEY: ClassVar[str] = "doubt"

    type: Literal["doubt.cleared.v1"] = "doubt.cleared.v1"
    doubt: DoubtId
    person: PersonId


class DifficultyRaised(EventBody):
    """A cadre raised what the village cannot solve alone; somebody must answer."""

    KEY: ClassVar[str] = "difficulty"

    type: Literal["difficulty.raised.v1"] = "difficulty.raised.v1"
    difficulty: DifficultyId
    village: DivisionCode
    category: OpenCode
    share: ShareId | None
    raised_on: date


class DifficultyAnswered(EventBody):
    """A difficulty was answered."""

    KEY: ClassVar[str] = "difficulty"

    type: Literal["difficulty.answered.v1"] = "difficulty.answered.v1"
    difficulty: DifficultyId
    village: DivisionCode
    outcome: OpenCode
    answered_on: date


InspectionEvent = Annotated[
    VisitPlanned
    | VisitDone
    | FindingRaised
    | SuggestionMade
    | FindingRectified
    | RecheckPassed
    | RecheckFailed
    | VisitClosed
    | BeneficiaryDoubted
    | DoubtCleared
    | DifficultyRaised
    | DifficultyAnswered,
    Field(discriminator="type"),
]
