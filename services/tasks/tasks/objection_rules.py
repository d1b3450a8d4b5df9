"""Decisions on objections: a ranked division against its place, then whoever ranked, on facts and never by silence."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NewType, get_args
from uuid import UUID

from qingdan.assessment_events import AssessmentObjected, Correction, ObjectionDecided
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import AssessmentId, ShareId
from runtime.problems import Forbidden, Refusal
from runtime.workdays import Calendar

ObjectionId = NewType("ObjectionId", UUID)
ObjectionState = Literal["open", "upheld", "granted"]
CountsAs = Literal["left_out", "on_time", "without_findings"]

COUNTS_AS: Final = frozenset[str](get_args(CountsAs))
OBJECT_WITHIN_WORKING_DAYS: Final = 10  # after the places were published
DECIDE_WITHIN_WORKING_DAYS: Final = 10  # after the objection; then it is overdue, and stays
SHARES_MAX: Final = 200


class NotTheRanked(Forbidden):
    """A division objects to its own place: a village by its cadre, a township by its staff.
    对排名的异议由被考核单位自己提出：村由村干部提出，乡镇由乡镇工作人员提出。
    """


class ObjectionTooLate(Refusal):
    """The time in which this place could be objected to is over. 对该排名提出异议的期限已过。"""

    status = 409


class AlreadyObjected(Refusal):
    """This division has objected to this place, or its objection to an earlier one is open.
    该单位已对本次排名提出异议，或此前的异议尚未答复。
    """

    status = 409


class AssessmentReplaced(Refusal):
    """This assessment has been replaced by a corrected one. 该次考核已由更正后的考核取代。

    Object to the one that `replaced_by` names. 请对 replaced_by 所指的考核提出异议。
    """

    status = 409


class SharesNotOfDivision(Refusal):
    """These shares are not of this division. 这些任务份额不属于该单位。"""

    status = 422


class ObjectionClosed(Refusal):
    """This objection has been decided. 该异议已作出决定。"""

    status = 409


class RankerDecides(Forbidden):
    """An objection is decided by staff of the division that ranked, or of one above it.
    异议由作出排名的区划或其上级的工作人员决定。
    """


class OwnObjection(Forbidden):
    """Nobody decides on an objection of their own, or to a ranking of their own.
    不得决定本人提出的异议，也不得决定对本人所作排名的异议。
    """


class CorrectionsUnfit(Refusal):
    """A place that stands takes no corrections; one that does not needs at least one, and each share once.
    维持排名的不作更正；不维持的至少更正一项，每项任务份额只更正一次。
    """

    status = 422


class SharesDoNotCount(Refusal):
    """These shares do not count for this division in this period: there is nothing to correct.
    这些任务份额未计入该单位本期考核，无可更正。
    """

    status = 422


@dataclass(frozen=True, slots=True)
class Objector:
    """Somebody before a place; speaks_for: the levels of division for which their roles let them speak."""

    division: DivisionCode
    speaks_for: frozenset[DivisionLevel]


@dataclass(frozen=True, slots=True)
class Placed:
    """A division's place as it stands; first: the assessment that all corrections go back to."""

    assessment: AssessmentId
    first: AssessmentId
    division: DivisionCode
    published_on: date
    replaced_by: AssessmentId | None
    objected: bool


@dataclass(frozen=True, slots=True)
class Objection:
    """An objection as it stands; ranked_by: None for what was ranked before that was kept."""

    id: ObjectionId
    assessment: AssessmentId
    first: AssessmentId
    division: DivisionCode
    objected_by: str
    ranked_by: str | None
    state: ObjectionState
    version: int


@dataclass(frozen=True, slots=True)
class Decider:
    """Somebody before an objection; ranks: whether the division below which was ranked is within their scope."""

    subject: str
    ranks: bool


def object_to(
    placed: Placed, objector: Objector, shares: Set[ShareId], own: Set[ShareId], calendar: Calendar, *, today: date
) -> AssessmentObjected:
    """The division objects; the clock is on whoever ranked from now on.

    own: those of `shares` that are of the division. Raises NotTheRanked, AssessmentReplaced, AlreadyObjected,
    ObjectionTooLate, SharesNotOfDivision.
    """
    if objector.division != placed.division or placed.division.level not in objector.speaks_for:
        raise NotTheRanked()
    if placed.replaced_by is not None:
        raise AssessmentReplaced(assessment=str(placed.assessment), replaced_by=str(placed.replaced_by))
    if placed.objected:
        raise AlreadyObjected(assessment=str(placed.assessment))
    latest = calendar.add_working_days(placed.published_on, OBJECT_WITHIN_WORKING_DAYS).on
    if today > latest:
        raise ObjectionTooLate(assessment=str(placed.assessment), latest=str(latest))
    if strangers := shares - own:
        raise SharesNotOfDivision(shares=sorted(map(str, strangers)))
    return AssessmentObjected(
        assessment=placed.assessment,
        division=placed.division,
        objected_on=today,
        decide_by=calendar.add_working_days(today, DECIDE_WITHIN_WORKING_DAYS).on,
    )


def require_decider(objection: Objection, decider: Decider) -> None:
    """Raises RankerDecides, OwnObjection, ObjectionClosed."""
    if not decider.ranks:
        raise RankerDecides()
    if decider.subject in (objection.objected_by, objection.ranked_by):
        raise OwnObjection()
    if objection.state != "open":
        raise ObjectionClosed(objection=str(objection.id), state=objection.state)


def decide(
    objection: Objection,
    decider: Decider,
    upheld: bool,
    corrections: tuple[Correction, ...],
    counted: Set[ShareId],
    *,
    today: date,
) -> ObjectionDecided:
    """Whoever ranked decides, also when their time is over: `upheld`, the place stands; else what is corrected.

    counted: those of the corrected shares that count for the division in the period. Raises RankerDecides,
    OwnObjection, ObjectionClosed, CorrectionsUnfit, SharesDoNotCount.
    """
    require_decider(objection, decider)
    named = Counter(each.share for each in corrections)
    if upheld == bool(corrections) or any(times > 1 for times in named.values()):
        raise CorrectionsUnfit()
    if unknown := sorted({each.counts_as for each in corrections} - COUNTS_AS):
        raise CorrectionsUnfit(counts_as=unknown)
    if missing := named.keys() - counted:
        raise SharesDoNotCount(shares=sorted(map(str, missing)))
    return ObjectionDecided(
        assessment=objection.assessment,
        division=objection.division,
        upheld=upheld,
        decided_on=today,
        corrections=corrections or None,
    )
