"""The clock: whatever is paused, given back or changed, the due date is the limit and what the clock stood still."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.problems import Refusal
from runtime.workdays import Calendar
from tasks import clock_rules, share_rules
from tasks.clock_rules import ClockRuns, ClockStandsStill, NotWaitedFor
from tasks.share_rules import Share, ShareAlreadyDone, ShareNotClaimed, ShareState, ShareWasRefused

CALENDAR = Calendar()
MONDAY = date(2026, 9, 14)


def claimed(share: Share, limit: int = 5, *, on: date = MONDAY, calendar: Calendar = CALENDAR) -> Share:
    due = calendar.add_working_days(on, limit)
    return replace(
        share, state="claimed", claimed_on=on, limit_working_days=limit, due_on=due.on, provisional=due.provisional
    )


def paused(share: Share, on: date, waiting_for: str = "department") -> Share:
    return replace(share, waiting_for=waiting_for, paused_on=on)


@pytest.mark.parametrize(
    ("claimed_on", "limit", "due"),
    [
        # 2024: 1-7 October free; Sunday 29 September and Saturday 12 October worked (国办发明电〔2023〕7号).
        (date(2024, 9, 27), 1, date(2024, 9, 29)),
        (date(2024, 9, 30), 5, date(2024, 10, 12)),
        # 2025: 1-8 October free; Sunday 28 September and Saturday 11 October worked (国办发明电〔2024〕12号).
        (date(2025, 9, 26), 4, date(2025, 10, 9)),
        (date(2025, 9, 30), 3, date(2025, 10, 11)),
        # 2026: 1-7 October free; Sunday 20 September and Saturday 10 October worked.
        (date(2026, 9, 18), 1, date(2026, 9, 20)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
    ],
)
def test_due_dates_around_the_first_of_october(claimed_on: date, limit: int, due: date) -> None:
    assert clock_rules.due_date(claimed_on, limit, 0, CALENDAR).on == due


def test_a_pause_adds_its_working_days_and_not_its_days_off(share: Share) -> None:
    waiting = paused(claimed(share), date(2026, 9, 30))
    event = clock_rules.resume(waiting, CALENDAR, by_village=True, today=date(2026, 10, 10))
    assert event.paused_working_days == 3  # 8, 9 and, made up, Saturday 10 October
    assert event.due_on == clock_rules.due_date(MONDAY, 5, 3, CALENDAR).on
    after = clock_rules.after_resuming(waiting, event)
    assert (after.waiting_for, after.paused_on, after.paused_working_days, after.due_on) == (
        None,
        None,
        3,
        event.due_on,
    )


def test_used_working_days_and_on_time_leave_pauses_out(share: Share) -> None:
    waiting = paused(claimed(share, 2), date(2026, 9, 15))
    today = date(2026, 9, 18)
    event = clock_rules.resume(waiting, CALENDAR, by_village=True, today=today)
    _, completed = share_rules.report_done(clock_rules.after_resuming(waiting, event), (), CALENDAR, today=today)
    assert completed is not None
    assert (completed.used_working_days, completed.on_time) == (1, True)


@pytest.mark.parametrize("late", [1, 4])
def test_a_pause_never_makes_late_work_on_time(share: Share, late: int) -> None:
    due = claimed(share)
    assert due.due_on is not None
    stop = CALENDAR.add_working_days(due.due_on, late).on
    event = clock_rules.resume(
        paused(due, stop), CALENDAR, by_village=True, today=CALENDAR.add_working_days(stop, 30).on
    )
    assert CALENDAR.working_days_between(event.due_on, event.resumed_on) == late


@pytest.mark.parametrize(
    ("state", "said"),
    [("published", ShareNotClaimed), ("refused", ShareWasRefused), ("reported_done", ShareAlreadyDone)],
)
def test_only_work_under_way_is_paused(share: Share, state: ShareState, said: type[Refusal]) -> None:
    with pytest.raises(said):
        clock_rules.pause(replace(share, state=state), "weather", today=MONDAY)


def test_pauses_never_overlap_and_only_a_pause_ends(share: Share) -> None:
    with pytest.raises(ClockStandsStill):
        clock_rules.pause(paused(claimed(share), MONDAY), "weather", today=MONDAY)
    with pytest.raises(ClockRuns):
        clock_rules.resume(claimed(share), CALENDAR, by_village=True, today=MONDAY)


@pytest.mark.parametrize("waiting_for", ["county", "supervision", "weather"])
def test_others_end_only_what_waits_for_a_department(share: Share, waiting_for: str) -> None:
    with pytest.raises(NotWaitedFor):
        clock_rules.resume(paused(claimed(share), MONDAY, waiting_for), CALENDAR, by_village=False, today=MONDAY)
    ended = clock_rules.resume(paused(claimed(share), MONDAY), CALENDAR, by_village=False, today=MONDAY)
    assert ended.paused_working_days == 0


def test_sixty_days_from_december_are_provisional_and_certain_once_the_calendar_is_known(share: Share) -> None:
    december = claimed(share, 60, on=date(2026, 12, 1))
    assert december.provisional
    assert clock_rules.recount(december, CALENDAR, today=MONDAY) is None
    announced = {date(2027, 1, 1) + timedelta(days=n): (n % 7) not in (1, 2) and n > 2 for n in range(365)}
    event = clock_rules.recount(december, Calendar(announced), today=MONDAY)
    assert event is not None
    assert (event.code, event.provisional, event.limit_working_days) == ("calendar", False, 60)
    assert Calendar(announced).working_days_between(date(2026, 12, 1), event.due_on) == 60


def test_what_is_judged_by_a_passed_date_moves_with_the_calendar_and_is_told_though_the_due_date_stays(
    share: Share,
) -> None:
    december = claimed(share, 60, on=date(2026, 12, 1))
    passed = CALENDAR.add_working_days(date(2026, 12, 1), 30).on
    late = replace(december, judged_due_on=passed, provisional=True)
    assert clock_rules.judged_again(late, 30, CALENDAR) == passed
    assert clock_rules.judged_again(december, 30, CALENDAR) is None
    assert december.due_on is not None
    # One working day becomes free before the passed date, and a free one is worked after it.
    swapped = Calendar({passed: False, passed + timedelta(days=1): False, december.due_on - timedelta(days=1): True})
    judged = clock_rules.judged_again(late, 30, swapped)
    assert judged is not None
    assert judged > passed
    assert clock_rules.recount(late, CALENDAR, judged_due_on=passed, today=MONDAY) is None
    assert clock_rules.recount(late, CALENDAR, judged_due_on=judged, today=MONDAY) is not None


STEPS = st.lists(st.tuples(st.sampled_from(["pause", "resume", "visit", "wait"]), st.integers(0, 40)), max_size=12)


@given(limit=st.integers(1, 250), steps=STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the share is never changed
def test_after_any_history_the_due_date_is_the_first_one_and_what_the_clock_stood_still(
    share: Share, limit: int, steps: Sequence[tuple[str, int]]
) -> None:
    seen, today, stood = claimed(share, limit, on=date(2024, 1, 2)), date(2024, 1, 2), 0
    first = seen.due_on
    assert first is not None
    for step, days in steps:
        today += timedelta(days=days)
        before = seen.due_on
        assert before is not None
        try:
            if step == "pause":
                seen = paused(seen, clock_rules.pause(seen, "weather", today=today).paused_on)
                continue
            if step == "resume":
                event = clock_rules.resume(seen, CALENDAR, by_village=True, today=today)
            elif step == "visit" and seen.paused_on is None:
                seen = replace(seen, reported_on=today)
                today += timedelta(days=days)
                event = clock_rules.give_back(seen, CALENDAR, today=today)
            else:
                continue
        except (ClockRuns, ClockStandsStill):
            continue
        stood += event.paused_working_days
        seen = clock_rules.after_resuming(seen, event)
        assert seen.due_on is not None
        assert seen.due_on >= before
        assert seen.due_on == (CALENDAR.add_working_days(first, stood).on if stood else first)
