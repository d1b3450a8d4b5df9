"""Extensions: a village asks, others decide, and what is granted is what on time is judged by."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from qingdan.divisions import DivisionLevel
from qingdan.ids import ShareId
from runtime.problems import Refusal
from runtime.workdays import Calendar
from tasks import extension_rules, share_rules
from tasks.claim_rules import BeyondStatutoryDate, LimitInThePast
from tasks.extension_rules import Decided, Extension, ExtensionClosed, ExtensionId, ExtensionOpen, NoLater, VillagesAsk
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
NEXT_MONTH = date(2026, 4, 1)


def claimed(share: Share, limit: int = 5) -> Share:
    due = CALENDAR.add_working_days(TODAY, limit)
    return replace(
        share, state="claimed", claimed_on=TODAY, limit_working_days=limit, due_on=due.on, provisional=due.provisional
    )


def asked(limit: int = 20, *, by: str = "secretary") -> Extension:
    return Extension(ExtensionId(UUID(int=9)), ShareId(UUID(int=1)), limit, "rain", by, "open", 1)


def decide(extension: Extension, share: Share, granted: bool = True, *, subject: str = "staff") -> Decided:
    return extension_rules.decide(
        extension, share, granted, CALENDAR, level=DivisionLevel.TOWNSHIP, subject=subject, today=NEXT_MONTH
    )


@pytest.mark.parametrize("today", [TODAY, date(2026, 3, 9), date(2026, 3, 20)])
def test_a_village_asks_before_and_after_its_date_has_passed(share: Share, today: date) -> None:
    event = extension_rules.ask(claimed(share), 20, CALENDAR, is_open=False, today=today)
    assert (event.limit_working_days, event.asked_on) == (20, today)
    assert CALENDAR.working_days_between(today, event.decide_by) == 3


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("published", ShareNotClaimed),
        ("refused", ShareWasRefused),
        ("withdrawn", ShareWasWithdrawn),
        ("reported_done", ShareAlreadyDone),
        ("completed", ShareAlreadyDone),
    ],
)
def test_only_what_is_under_way_is_extended(share: Share, state: ShareState, said: type[Refusal]) -> None:
    with pytest.raises(said):
        extension_rules.ask(replace(claimed(share), state=state), 20, CALENDAR, is_open=False, today=TODAY)


def test_one_at_a_time_and_later_than_what_it_is_judged_by_and_not_in_the_past(share: Share) -> None:
    mine = claimed(share)
    with pytest.raises(ExtensionOpen):
        extension_rules.ask(mine, 20, CALENDAR, is_open=True, today=TODAY)
    with pytest.raises(NoLater):
        extension_rules.ask(mine, 5, CALENDAR, is_open=False, today=TODAY)
    with pytest.raises(LimitInThePast):
        extension_rules.ask(mine, 6, CALENDAR, is_open=False, today=NEXT_MONTH)


def test_what_a_village_set_itself_too_late_it_may_still_ask_for(share: Share) -> None:
    late = replace(claimed(share, 60), judged_due_on=date(2026, 3, 9))
    event = extension_rules.ask(late, 60, CALENDAR, is_open=False, today=NEXT_MONTH)
    assert event.limit_working_days == 60


def test_the_laws_date_bounds_it(share: Share) -> None:
    bound = replace(claimed(share), latest_on=TODAY + timedelta(days=14))
    with pytest.raises(BeyondStatutoryDate) as refused:
        extension_rules.ask(bound, 11, CALENDAR, is_open=False, today=TODAY)
    assert refused.value.details["limit_working_days_max"] == 10
    assert extension_rules.ask(bound, 10, CALENDAR, is_open=False, today=TODAY).limit_working_days == 10


def test_what_the_clock_stood_still_is_in_the_date_asked_for(share: Share) -> None:
    waited = replace(claimed(share), paused_working_days=3)
    assert extension_rules.due_asked(waited, 20, CALENDAR) == CALENDAR.add_working_days(TODAY, 23).on


def test_what_is_granted_is_due_then_and_told_with_its_reason(share: Share) -> None:
    decided = decide(asked(), claimed(share))
    assert decided.event.granted
    assert decided.change is not None
    told = decided.change.event
    assert (told.code, told.limit_working_days, told.due_on) == ("extension", 20, date(2026, 3, 30))
    assert (decided.change.limit_before, decided.change.due_before) == (5, date(2026, 3, 9))


@pytest.mark.parametrize("state", ["claimed", "reported_done", "completed"])
def test_what_is_done_meanwhile_is_judged_by_the_new_date_too(share: Share, state: ShareState) -> None:
    done = replace(claimed(share), state=state, reported_on=date(2026, 3, 11))
    assert decide(asked(), done).change is not None


def test_a_refusal_changes_nothing(share: Share) -> None:
    decided = decide(asked(), claimed(share), granted=False)
    assert (decided.event.granted, decided.change) == (False, None)


def test_a_later_limit_set_in_time_meanwhile_stands(share: Share) -> None:
    decided = decide(asked(), claimed(share, 40))
    assert (decided.event.granted, decided.change) == (True, None)


def test_it_is_decided_once_and_never_by_the_village_or_who_asked(share: Share) -> None:
    mine = claimed(share)
    with pytest.raises(ExtensionClosed):
        decide(replace(asked(), state="granted"), mine)
    with pytest.raises(VillagesAsk):
        decide(asked(by="both"), mine, subject="both")
    with pytest.raises(VillagesAsk):
        extension_rules.decide(asked(), mine, True, CALENDAR, level=DivisionLevel.VILLAGE, subject="other", today=TODAY)


def test_silence_is_consent(share: Share) -> None:
    decided = extension_rules.let_pass(asked(), claimed(share), CALENDAR, today=NEXT_MONTH)
    assert decided.event.granted
    assert decided.change is not None


def test_what_is_granted_after_the_date_had_passed_makes_the_report_on_time(share: Share) -> None:
    decided = decide(asked(), replace(claimed(share, 60), judged_due_on=date(2026, 3, 9)))
    assert decided.change is not None
    extended = replace(claimed(share, 20), judged_due_on=None, due_on=decided.change.event.due_on)
    _, completed = share_rules.report_done(extended, (), CALENDAR, today=date(2026, 3, 30))
    assert completed is not None
    assert completed.on_time
