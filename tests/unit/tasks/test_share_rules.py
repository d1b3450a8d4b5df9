"""A share: claimed once, with the village's own limit; refused only before; completed by report or by visit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qingdan.ids import AskId, VisitId
from qingdan.inspection_events import VisitClosed
from qingdan.tasks_events import RefusalCode
from runtime.problems import Refusal
from runtime.workdays import Calendar
from tasks import claim_rules, share_rules
from tasks.share_rules import (
    Share,
    ShareAlreadyClaimed,
    ShareAlreadyDone,
    ShareNotClaimed,
    ShareState,
    ShareWasRefused,
)

TODAY = date(2026, 3, 2)
CALENDAR = Calendar()
ASK = AskId(UUID(int=9))

COMMANDS: dict[str, Callable[[Share], object]] = {
    "claim": lambda share: claim_rules.claim(share, 5, CALENDAR, today=TODAY),
    "refuse": lambda share: share_rules.refuse(share, "no_means", ASK, 1, today=TODAY),
    "progress": lambda share: share_rules.progress(share, 40, (), today=TODAY),
    "report_done": lambda share: share_rules.report_done(share, (), CALENDAR, today=TODAY),
}


def in_state(share: Share, state: ShareState) -> Share:
    claimed = None if state in ("published", "refused") else TODAY
    reported = TODAY if state in ("reported_done", "completed") else None
    return replace(share, state=state, claimed_on=claimed, due_on=claimed and TODAY, reported_on=reported)


def visit_closed(share: Share, *, passed: bool = True, findings: int = 0, failed: int = 0, day: int = 0) -> VisitClosed:
    return VisitClosed(
        visit=VisitId(UUID(int=7)),
        task=share.task,
        share=share.id,
        village=share.village,
        origin=share.origin,
        passed=passed,
        findings=findings,
        failed_rechecks=failed,
        closed_on=TODAY + timedelta(days=day),
    )


@pytest.mark.parametrize(
    ("state", "refusals"),
    [
        ("published", {"progress": ShareNotClaimed, "report_done": ShareNotClaimed}),
        ("claimed", {"claim": ShareAlreadyClaimed, "refuse": ShareAlreadyClaimed}),
        (
            "reported_done",
            {
                "claim": ShareAlreadyClaimed,
                "refuse": ShareAlreadyClaimed,
                "progress": ShareAlreadyDone,
                "report_done": ShareAlreadyDone,
            },
        ),
        (
            "completed",
            {
                "claim": ShareAlreadyClaimed,
                "refuse": ShareAlreadyClaimed,
                "progress": ShareAlreadyDone,
                "report_done": ShareAlreadyDone,
            },
        ),
        ("refused", dict.fromkeys(COMMANDS, ShareWasRefused)),
    ],
)
def test_each_state_allows_its_commands_and_refuses_the_others(
    state: ShareState, refusals: dict[str, type[Refusal]], share: Share
) -> None:
    refused: dict[str, type[Refusal]] = {}
    for name, command in COMMANDS.items():
        try:
            command(in_state(share, state))
        except Refusal as refusal:
            refused[name] = type(refusal)
    assert refused == refusals


def test_the_village_sets_its_own_limit_in_working_days(share: Share) -> None:
    event = claim_rules.claim(share, 5, CALENDAR, today=TODAY)
    assert (event.limit_working_days, event.claimed_on, event.due_on) == (5, TODAY, date(2026, 3, 9))
    assert not event.provisional


def test_a_limit_beyond_the_announced_calendar_is_provisional(share: Share) -> None:
    assert claim_rules.claim(share, 60, CALENDAR, today=date(2026, 12, 1)).provisional


def test_a_no_is_bound_to_the_list_version_and_tells_department_and_task(share: Share) -> None:
    asked, refused = share_rules.refuse(share, "beyond_item", ASK, 4, today=TODAY)
    assert (asked.code, asked.decided_by, asked.list_version) == (RefusalCode.BEYOND_ITEM, "village", 1)
    assert (asked.nearest_item, asked.division, asked.department) == ("RQ03", share.village, "JTJ")
    assert (refused.code, refused.share, refused.list_version) == (RefusalCode.BEYOND_ITEM, share.id, 1)
    assert asked.origin == refused.origin == share.origin


def test_a_no_to_what_needed_no_item_is_bound_to_the_version_in_force(share: Share) -> None:
    asked, refused = share_rules.refuse(replace(share, item=None, list_version=None), "off_list", ASK, 4, today=TODAY)
    assert (asked.list_version, refused.list_version) == (4, None)


def test_a_reported_share_is_complete_at_once(share: Share) -> None:
    claimed = replace(share, state="claimed", claimed_on=date(2026, 2, 26), due_on=date(2026, 3, 1))
    _, completed = share_rules.report_done(claimed, (), CALENDAR, today=TODAY)
    assert completed is not None
    assert (completed.used_working_days, completed.on_time) == (3, False)  # Thursday to Monday; Saturday is made up


def test_where_the_item_asks_for_a_visit_the_visit_completes_and_its_waiting_is_not_the_villages(share: Share) -> None:
    claimed = replace(share, inspect_on_completion=True, state="claimed", claimed_on=date(2026, 2, 27), due_on=TODAY)
    _, completed = share_rules.report_done(claimed, (), CALENDAR, today=TODAY)
    assert completed is None
    waiting = replace(claimed, state="reported_done", reported_on=TODAY)
    inspected = share_rules.close_visit(waiting, visit_closed(share, findings=3, failed=1, day=10), CALENDAR)
    assert (inspected.state, inspected.findings, inspected.passed_first_recheck) == ("completed", 3, 2)
    assert inspected.completed is not None
    assert inspected.completed.completed_on == TODAY + timedelta(days=10)
    assert inspected.completed.on_time


def test_a_visit_that_is_not_passed_gives_the_share_back(share: Share) -> None:
    inspected = share_rules.close_visit(in_state(share, "reported_done"), visit_closed(share, passed=False), CALENDAR)
    assert (inspected.state, inspected.completed) == ("claimed", None)


@pytest.mark.parametrize("state", ["published", "claimed", "refused", "completed"])
def test_a_visit_that_nobody_waits_for_only_leaves_its_findings(state: ShareState, share: Share) -> None:
    inspected = share_rules.close_visit(in_state(share, state), visit_closed(share, findings=2), CALENDAR)
    assert (inspected.state, inspected.completed, inspected.findings) == (state, None, 2)


def test_two_visits_of_a_share_told_at_once_complete_it_once_and_leave_all_their_findings(share: Share) -> None:
    waiting = in_state(share, "reported_done")
    first = share_rules.close_visit(waiting, visit_closed(share, findings=2, failed=1), CALENDAR)
    after = share_rules.after_visit(waiting, first)
    second = share_rules.close_visit(after, visit_closed(share, findings=1, day=1), CALENDAR)
    assert second.completed is None
    both = share_rules.together(first, second)
    assert (both.visits, both.findings, both.passed_first_recheck, both.state) == (2, 3, 2, "completed")
    assert both.completed == first.completed is not None


def test_a_share_given_back_has_no_report_for_the_next_visit_to_complete(share: Share) -> None:
    waiting = in_state(share, "reported_done")
    failed = share_rules.close_visit(waiting, visit_closed(share, passed=False), CALENDAR)
    back = share_rules.after_visit(waiting, failed)
    assert (back.state, back.reported_on) == ("claimed", None)


@given(findings=st.integers(0, 1000), failed=st.integers(0, 1000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the share is never changed
def test_never_more_findings_pass_than_there_are(share: Share, findings: int, failed: int) -> None:
    inspected = share_rules.close_visit(share, visit_closed(share, findings=findings, failed=failed), CALENDAR)
    assert 0 <= inspected.passed_first_recheck <= inspected.findings == findings
