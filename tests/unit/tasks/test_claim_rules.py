"""A claim: one holder, the village's own limit, within the law's date; a later limit makes nothing late be on time."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.problems import Refusal
from runtime.workdays import Calendar
from tasks import claim_rules
from tasks.claim_rules import BeyondStatutoryDate, Claimed, LimitInThePast, TaskTaken
from tasks.share_rules import (
    Share,
    ShareAlreadyDone,
    ShareNotClaimed,
    ShareState,
    ShareWasRefused,
    ShareWasWithdrawn,
)

TODAY = date(2026, 3, 2)  # a Monday
CALENDAR = Calendar()
unchanging = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the share is never changed


def claimed(share: Share, limit: int = 5, *, paused: int = 0, paused_on: date | None = None) -> Claimed:
    """Claimed today."""
    due = CALENDAR.add_working_days(TODAY, limit + paused).on
    return Claimed(replace(share, state="claimed", claimed_on=TODAY, due_on=due), limit, paused, paused_on)


def test_of_a_task_open_to_the_first_only_the_holder_is_let_through(share: Share) -> None:
    first = replace(share, open_to="first")
    claim_rules.require_held([first], {first.id})
    claim_rules.require_held([share], ())
    with pytest.raises(TaskTaken) as refused:
        claim_rules.require_held([share, first], ())
    assert refused.value.details == {"share": str(first.id), "task": str(first.task)}


@pytest.mark.parametrize(("open_to", "refusal"), [("first", TaskTaken), ("each", ShareWasWithdrawn)])
def test_a_withdrawn_share_is_not_claimed(share: Share, open_to: str, refusal: type[Refusal]) -> None:
    withdrawn = replace(share, state="withdrawn", open_to=open_to)  # type: ignore[arg-type] # both are there
    with pytest.raises(refusal):
        claim_rules.claim(withdrawn, 5, CALENDAR, today=TODAY)


def test_what_is_not_on_the_table_is_not_withdrawn(share: Share) -> None:
    states: list[ShareState] = ["published", "claimed", "refused", "reported_done", "completed", "withdrawn"]
    told = claim_rules.withdraw([replace(share, state=state) for state in states], today=TODAY)
    assert [(event.share, event.code, event.withdrawn_on) for event in told] == [(share.id, "taken", TODAY)]


@given(limit=st.integers(1, 250), law=st.integers(-400, 400))
@unchanging
def test_a_claim_never_goes_beyond_the_laws_date_unless_that_leaves_no_working_day(
    share: Share, limit: int, law: int
) -> None:
    bound = replace(share, latest_on=TODAY + timedelta(days=law))
    largest = max(1, CALENDAR.working_days_between(TODAY, TODAY + timedelta(days=law)))
    if limit <= largest:
        event = claim_rules.claim(bound, limit, CALENDAR, today=TODAY)
        assert event.due_on <= TODAY + timedelta(days=law) or limit == 1
    else:
        with pytest.raises(BeyondStatutoryDate) as refused:
            claim_rules.claim(bound, limit, CALENDAR, today=TODAY)
        assert refused.value.details["latest_on"] == (TODAY + timedelta(days=law)).isoformat()
        assert refused.value.details["limit_working_days_max"] == largest


def test_after_a_very_long_pause_a_limit_still_ends_where_the_clock_ends_counting(share: Share) -> None:
    held = claimed(share, 5, paused=900)
    change = claim_rules.change_limit(held, 250, CALENDAR, today=TODAY)
    assert change.event.due_on == CALENDAR.add_working_days(TODAY, 1000).on


def test_a_limit_changed_up_to_the_due_date_counts_and_a_later_one_does_not(share: Share) -> None:
    held = claimed(share)
    assert held.share.due_on == date(2026, 3, 9)
    on_the_day = claim_rules.change_limit(held, 10, CALENDAR, today=date(2026, 3, 9))
    assert (on_the_day.in_time, on_the_day.limit_before, on_the_day.due_before) == (True, 5, date(2026, 3, 9))
    assert (on_the_day.event.due_on, on_the_day.event.code) == (date(2026, 3, 16), "own")
    assert not claim_rules.change_limit(held, 10, CALENDAR, today=date(2026, 3, 10)).in_time


def test_what_the_clock_stood_still_is_added_and_a_clock_that_stopped_in_time_is_in_time(share: Share) -> None:
    held = claimed(share, paused=3)
    assert claim_rules.change_limit(held, 5, CALENDAR, today=TODAY).event.due_on == held.share.due_on
    stopped = claimed(share, paused_on=date(2026, 3, 9))
    assert claim_rules.change_limit(stopped, 30, CALENDAR, today=date(2026, 4, 1)).in_time


def test_a_limit_that_would_have_ended_is_no_limit(share: Share) -> None:
    with pytest.raises(LimitInThePast):
        claim_rules.change_limit(claimed(share, 20), 5, CALENDAR, today=date(2026, 3, 10))


def test_a_later_limit_is_bound_by_the_law_too(share: Share) -> None:
    bound = claimed(replace(share, latest_on=date(2026, 3, 16)))
    assert claim_rules.change_limit(bound, 10, CALENDAR, today=TODAY).event.due_on == date(2026, 3, 16)
    with pytest.raises(BeyondStatutoryDate) as refused:
        claim_rules.change_limit(bound, 11, CALENDAR, today=TODAY)
    assert refused.value.details["limit_working_days_max"] == 10


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ("published", ShareNotClaimed),
        ("refused", ShareWasRefused),
        ("reported_done", ShareAlreadyDone),
        ("completed", ShareAlreadyDone),
        ("withdrawn", ShareWasWithdrawn),
    ],
)
def test_only_what_is_claimed_has_a_limit_to_change(share: Share, state: ShareState, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        claim_rules.change_limit(Claimed(replace(share, state=state), 0, 0, None), 5, CALENDAR, today=TODAY)
