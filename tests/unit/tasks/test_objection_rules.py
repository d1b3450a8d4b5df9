"""Objections to a place: by the ranked alone and in time, decided by whoever ranks but not by who did, on facts."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from qingdan.assessment_events import Correction, ObjectionDecided
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import AssessmentId, ShareId
from runtime.problems import Refusal
from runtime.workdays import Calendar
from tasks import objection_rules
from tasks.objection_rules import (
    AlreadyObjected,
    AssessmentReplaced,
    CorrectionsUnfit,
    Decider,
    Objection,
    ObjectionClosed,
    ObjectionId,
    ObjectionTooLate,
    Objector,
    OwnObjection,
    Placed,
    RankerDecides,
    SharesDoNotCount,
    SharesNotOfDivision,
)

CALENDAR = Calendar()
TOLD, LAST, TOO_LATE = date(2026, 3, 2), date(2026, 3, 16), date(2026, 3, 17)
TOWN, VILLAGE, NEIGHBOUR = (DivisionCode(each) for each in ("130431105000", "130431105205", "130431105206"))
FIRST, SECOND = AssessmentId(UUID(int=1)), AssessmentId(UUID(int=2))
ONE, OTHER = ShareId(UUID(int=11)), ShareId(UUID(int=12))
PLACED = Placed(FIRST, FIRST, VILLAGE, TOLD, None, objected=False)
CADRE = Objector(VILLAGE, frozenset({DivisionLevel.VILLAGE}))
OPEN = Objection(ObjectionId(UUID(int=5)), FIRST, FIRST, VILLAGE, "cadre", "ranker", "open", 1)
STAFF = Decider("staff", ranks=True)


def on_time(*shares: ShareId) -> tuple[Correction, ...]:
    return tuple(Correction(share=share, counts_as="on_time") for share in shares)


def decide(
    objection: Objection = OPEN,
    decider: Decider = STAFF,
    upheld: bool = False,
    corrections: tuple[Correction, ...] = on_time(ONE),
) -> ObjectionDecided:
    return objection_rules.decide(objection, decider, upheld, corrections, {ONE, OTHER}, today=TOO_LATE)


@pytest.mark.parametrize("today", [TOLD, LAST])
def test_the_ranked_objects_and_the_clock_is_on_whoever_ranked(today: date) -> None:
    event = objection_rules.object_to(PLACED, CADRE, {ONE}, {ONE}, CALENDAR, today=today)
    assert (event.assessment, event.division, event.objected_on) == (FIRST, VILLAGE, today)
    assert CALENDAR.working_days_between(today, event.decide_by) == 10


def test_a_township_speaks_by_its_staff() -> None:
    staff = Objector(TOWN, frozenset({DivisionLevel.TOWNSHIP}))
    event = objection_rules.object_to(replace(PLACED, division=TOWN), staff, set(), set(), CALENDAR, today=TOLD)
    assert event.division == TOWN


@pytest.mark.parametrize(
    "objector",
    [
        Objector(TOWN, frozenset({DivisionLevel.TOWNSHIP})),
        Objector(VILLAGE, frozenset({DivisionLevel.TOWNSHIP})),
        Objector(NEIGHBOUR, frozenset({DivisionLevel.VILLAGE})),
    ],
)
def test_nobody_else_speaks_for_it(objector: Objector) -> None:
    with pytest.raises(objection_rules.NotTheRanked):
        objection_rules.object_to(PLACED, objector, set(), set(), CALENDAR, today=TOLD)


@pytest.mark.parametrize(
    ("placed", "today", "refusal"),
    [
        (PLACED, TOO_LATE, ObjectionTooLate),
        (replace(PLACED, objected=True), TOLD, AlreadyObjected),
        (replace(PLACED, replaced_by=SECOND), TOLD, AssessmentReplaced),
    ],
)
def test_once_in_time_and_to_the_place_in_force(placed: Placed, today: date, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        objection_rules.object_to(placed, CADRE, set(), set(), CALENDAR, today=today)


def test_only_shares_of_ones_own_are_named() -> None:
    with pytest.raises(SharesNotOfDivision) as refused:
        objection_rules.object_to(PLACED, CADRE, {ONE, OTHER}, {ONE}, CALENDAR, today=TOLD)
    assert refused.value.details["shares"] == [str(OTHER)]


def test_who_was_right_is_corrected_and_who_was_not_is_not() -> None:
    event = decide()
    assert (event.upheld, event.corrections, event.decided_on) == (False, on_time(ONE), TOO_LATE)
    stands = decide(upheld=True, corrections=())
    assert (stands.upheld, stands.corrections) == (True, None)


@pytest.mark.parametrize(
    ("decider", "refusal"),
    [
        (Decider("staff", ranks=False), RankerDecides),
        (Decider("cadre", ranks=True), OwnObjection),
        (Decider("ranker", ranks=True), OwnObjection),
    ],
)
def test_neither_the_ranked_nor_who_ranked_decides(decider: Decider, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        decide(decider=decider)


def test_where_nobody_knows_who_ranked_anybody_who_ranks_decides() -> None:
    assert decide(replace(OPEN, ranked_by=None)).division == VILLAGE


def test_it_is_decided_once() -> None:
    with pytest.raises(ObjectionClosed):
        decide(replace(OPEN, state="upheld"))


@pytest.mark.parametrize(
    ("upheld", "corrections"),
    [
        (True, on_time(ONE)),
        (False, ()),
        (False, on_time(ONE, ONE)),
        (False, (Correction(share=ONE, counts_as="twice"),)),
    ],
)
def test_corrections_fit_the_decision(upheld: bool, corrections: tuple[Correction, ...]) -> None:
    with pytest.raises(CorrectionsUnfit):
        decide(upheld=upheld, corrections=corrections)


def test_only_what_counts_is_corrected() -> None:
    stranger = ShareId(UUID(int=99))
    with pytest.raises(SharesDoNotCount) as refused:
        decide(corrections=on_time(ONE, stranger))
    assert refused.value.details["shares"] == [str(stranger)]
