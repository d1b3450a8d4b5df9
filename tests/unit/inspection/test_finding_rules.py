"""Findings: open, rectified, checked again, sent back, passed."""

from datetime import date
from uuid import UUID

import pytest
from pydantic import ValidationError

from inspection import finding_rules
from inspection.finding_rules import Finding, FindingState, Found
from qingdan.divisions import DivisionCode
from qingdan.ids import FindingId, RecheckId, VisitId
from qingdan.inspection_events import RecheckFailed, RecheckPassed
from qingdan.origin import Origin

TODAY = date(2026, 3, 5)
RECHECK = RecheckId(UUID(int=7))
ORIGIN = Origin(service="signage", kind="removal_order", id=UUID(int=3))


def finding(state: FindingState) -> Finding:
    return Finding(
        FindingId(UUID(int=1)),
        VisitId(UUID(int=2)),
        DivisionCode("130431105205"),
        ORIGIN,
        state,
        failed_rechecks=0,
        version=1,
    )


def test_an_open_finding_can_be_rectified() -> None:
    event = finding_rules.rectify(finding("open"), today=TODAY)
    assert (event.finding, event.visit, event.rectified_on) == (UUID(int=1), UUID(int=2), TODAY)
    assert finding_rules.state_after(event) == "rectified"


def test_a_rectified_finding_awaits_its_recheck() -> None:
    with pytest.raises(finding_rules.AwaitsRecheck):
        finding_rules.rectify(finding("rectified"), today=TODAY)


def test_a_passed_finding_needs_no_rectification() -> None:
    with pytest.raises(finding_rules.PassedAlready):
        finding_rules.rectify(finding("passed"), today=TODAY)


def test_a_recheck_that_passes_ends_the_finding() -> None:
    event = finding_rules.recheck(finding("rectified"), RECHECK, passed=True, today=TODAY)
    assert isinstance(event, RecheckPassed)
    assert finding_rules.state_after(event) == "passed"


def test_a_recheck_that_fails_sends_the_finding_back_to_the_village() -> None:
    event = finding_rules.recheck(finding("rectified"), RECHECK, passed=False, today=TODAY)
    assert isinstance(event, RecheckFailed)
    assert finding_rules.state_after(event) == "open"


def test_every_event_of_a_finding_says_why_its_task_exists() -> None:
    rectified = finding_rules.rectify(finding("open"), today=TODAY)
    checked = [finding_rules.recheck(finding("rectified"), RECHECK, passed=p, today=TODAY) for p in (True, False)]
    assert {event.origin for event in (rectified, *checked)} == {ORIGIN}


@pytest.mark.parametrize("passed", [True, False])
def test_what_the_village_has_not_rectified_is_not_checked_again(passed: bool) -> None:
    with pytest.raises(finding_rules.NotRectified):
        finding_rules.recheck(finding("open"), RECHECK, passed=passed, today=TODAY)


@pytest.mark.parametrize("passed", [True, False])
def test_a_passed_finding_is_not_checked_again(passed: bool) -> None:
    with pytest.raises(finding_rules.PassedAlready):
        finding_rules.recheck(finding("passed"), RECHECK, passed=passed, today=TODAY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"category": "quality", "text": "  ", "suggestion": "重新灌缝"},
        {"category": "quality", "text": "路面有裂缝"},
        {"category": "quality", "text": "路面有裂缝", "suggestion": "重" * 2001},
        {"category": "路面", "text": "路面有裂缝", "suggestion": "重新灌缝"},
        {"category": "quality", "text": "路面有裂缝", "suggestion": "重新灌缝", "score": 3},
    ],
)
def test_a_finding_has_words_and_a_suggestion_of_bounded_length(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Found.model_validate(wrong)
