"""Visits: planned from a report, done once, closed when nothing is left open."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from inspection import visit_rules
from inspection.finding_rules import Finding, FindingState, Found
from inspection.visit_rules import Share, Visit
from qingdan.ids import FindingId, SuggestionId, VisitId
from runtime.workdays import Calendar

TODAY = date(2026, 3, 5)  # a Thursday
VISIT = VisitId(UUID(int=9))
FOUND = Found(category="quality", text="路面有裂缝", suggestion="重新灌缝")


def numbered(count: int) -> list[tuple[FindingId, SuggestionId, Found]]:
    return [(FindingId(UUID(int=100 + n)), SuggestionId(UUID(int=200 + n)), FOUND) for n in range(count)]


def finding(visit: Visit, state: FindingState) -> Finding:
    return Finding(FindingId(UUID(int=100)), visit.id, visit.village, visit.origin, state, failed_rechecks=0, version=1)


def test_a_visit_is_planned_from_a_report(share: Share) -> None:
    event = visit_rules.plan(share, VISIT, TODAY, today=TODAY)
    assert (event.visit, event.share, event.task) == (VISIT, share.id, share.task)
    assert (event.village, event.origin, event.planned_on) == (share.village, share.origin, TODAY)


def test_without_a_report_there_is_nothing_to_visit(share: Share) -> None:
    with pytest.raises(visit_rules.NothingReported):
        visit_rules.plan(replace(share, reported_on=None), VISIT, TODAY, today=TODAY)


def test_a_share_that_the_village_refused_is_not_visited(share: Share) -> None:
    with pytest.raises(visit_rules.ShareWasRefused):
        visit_rules.plan(replace(share, state="refused"), VISIT, TODAY, today=TODAY)


def test_a_share_that_was_withdrawn_is_not_visited(share: Share) -> None:
    with pytest.raises(visit_rules.ShareWasWithdrawn):
        visit_rules.plan(replace(share, state="withdrawn"), VISIT, TODAY, today=TODAY)


def test_a_second_visit_waits_for_the_end_of_the_first(share: Share) -> None:
    with pytest.raises(visit_rules.VisitIsOpen) as refused:
        visit_rules.plan(replace(share, open_visit=VisitId(UUID(int=8))), VISIT, TODAY, today=TODAY)
    assert refused.value.details == {"visit": str(UUID(int=8))}


@pytest.mark.parametrize("days", [-1, 367])
def test_a_visit_is_not_planned_for_the_past_or_a_day_nobody_can_know(share: Share, days: int) -> None:
    with pytest.raises(visit_rules.VisitDayOutOfReach):
        visit_rules.plan(share, VISIT, TODAY + timedelta(days=days), today=TODAY)


def test_a_share_reported_done_is_visited_within_three_working_days(share: Share) -> None:
    event = visit_rules.plan_on_completion(share, VISIT, Calendar(), today=TODAY)
    assert event is not None
    assert event.planned_on == date(2026, 3, 10)  # Friday, Monday, Tuesday


@pytest.mark.parametrize("asks_for_it", [False, None])
def test_no_visit_is_planned_where_the_item_does_not_ask_or_nobody_has_told(
    share: Share, asks_for_it: bool | None
) -> None:
    share = replace(share, inspect_on_completion=asks_for_it)
    assert visit_rules.plan_on_completion(share, VISIT, Calendar(), today=TODAY) is None


def test_completion_plans_no_second_visit_beside_an_open_one(share: Share) -> None:
    share = replace(share, open_visit=VisitId(UUID(int=8)))
    assert visit_rules.plan_on_completion(share, VISIT, Calendar(), today=TODAY) is None


def test_a_visit_that_found_nothing_is_closed_at_once_and_passed(visit: Visit) -> None:
    outcome = visit_rules.finish(visit, TODAY, [], today=TODAY)
    assert outcome.closed is not None
    assert (outcome.closed.passed, outcome.closed.findings, outcome.closed.failed_rechecks) == (True, 0, 0)
    assert [event.type for event in outcome.events] == ["visit.done.v1", "visit.closed.v1"]


def test_every_finding_comes_with_its_suggestion_and_keeps_the_visit_open(visit: Visit) -> None:
    outcome = visit_rules.finish(visit, TODAY, numbered(2), today=TODAY)
    assert outcome.closed is None
    assert outcome.done.findings == 2
    assert [event.type for event in outcome.events] == [
        "visit.done.v1",
        *["finding.raised.v1", "suggestion.made.v1"] * 2,
    ]
    assert all(both.finding.finding == both.suggestion.finding for both in outcome.raised)


def test_what_people_wrote_is_in_no_event(visit: Visit) -> None:
    outcome = visit_rules.finish(visit, TODAY, numbered(1), today=TODAY)
    told = "".join(event.model_dump_json() for event in outcome.events)
    assert FOUND.text not in told
    assert FOUND.suggestion not in told


@pytest.mark.parametrize("state", ["done", "closed"])
def test_a_visit_is_done_once(visit: Visit, state: visit_rules.VisitState) -> None:
    with pytest.raises(visit_rules.VisitIsDone):
        visit_rules.finish(replace(visit, state=state), TODAY, [], today=TODAY)


@pytest.mark.parametrize("done_on", [date(2026, 3, 1), TODAY + timedelta(days=1)])
def test_a_visit_is_not_done_before_the_report_nor_tomorrow(visit: Visit, done_on: date) -> None:
    with pytest.raises(visit_rules.VisitDayImpossible):
        visit_rules.finish(visit, done_on, [], today=TODAY)


def test_a_visit_is_closed_when_all_its_findings_have_passed(visit: Visit) -> None:
    done = replace(visit, state="done", failed_rechecks=3)
    closed = visit_rules.close(done, [finding(visit, "passed"), finding(visit, "passed")], today=TODAY)
    assert closed is not None
    assert (closed.passed, closed.findings, closed.failed_rechecks) == (True, 2, 3)
    assert (closed.share, closed.task, closed.origin) == (visit.share, visit.task, visit.origin)


@pytest.mark.parametrize("state", ["open", "rectified"])
def test_one_finding_that_has_not_passed_keeps_the_visit_open(visit: Visit, state: FindingState) -> None:
    done = replace(visit, state="done")
    assert visit_rules.close(done, [finding(visit, "passed"), finding(visit, state)], today=TODAY) is None


def test_a_closed_visit_is_not_closed_again(visit: Visit) -> None:
    assert visit_rules.close(replace(visit, state="closed"), [finding(visit, "passed")], today=TODAY) is None


def test_more_failed_rechecks_than_the_contract_counts_still_close_the_visit(visit: Visit) -> None:
    done = replace(visit, state="done", failed_rechecks=1001)
    closed = visit_rules.close(done, [finding(visit, "passed")], today=TODAY)
    assert closed is not None
    assert closed.failed_rechecks == 1000
