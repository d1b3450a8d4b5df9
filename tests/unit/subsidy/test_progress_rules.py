"""A run's progress: each step's share, its rate, and what the run waits for."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from qingdan.ids import RunId
from subsidy.progress_rules import Progress, Standing, progress

TODAY = date(2026, 7, 20)
NOW = datetime(2026, 7, 20, 4, tzinfo=UTC)
BEGUN = NOW - timedelta(seconds=10)
RUN = Standing(
    run=RunId(UUID(int=1)),
    state="previewed",
    notice_until=None,
    approvals=0,
    approvals_needed=1,
    items=0,
    entered=0,
    entering_since=None,
    halted=False,
    payments=0,
    to_send=0,
    waiting=0,
    held=0,
    sent=0,
    ended=0,
    sending_since=None,
    now=NOW,
)
FROZEN: dict[str, Any] = {"state": "frozen", "notice_until": TODAY, "items": 100}
APPROVED: dict[str, Any] = {**FROZEN, "state": "approved", "approvals": 1, "entering_since": BEGUN}
PAYING: dict[str, Any] = {**APPROVED, "state": "paying", "entered": 100, "payments": 100, "sending_since": BEGUN}


def told(**changed: Any) -> Progress:
    return progress(replace(RUN, **changed), today=TODAY)


@pytest.mark.parametrize(
    ("changed", "waits"),
    [
        ({}, [("freeze", 0)]),
        ({**FROZEN, "notice_until": TODAY + timedelta(days=1)}, [("notice", 0), ("approval", 1)]),
        ({**FROZEN, "approvals": 1, "approvals_needed": 2}, [("approval", 1)]),
        ({**APPROVED, "entered": 40}, []),
        ({**APPROVED, "halted": True}, [("hash_differs", 0)]),
        ({**PAYING, "to_send": 30, "sent": 70, "ended": 70}, []),
        ({**PAYING, "waiting": 2, "held": 3, "sent": 95, "ended": 90}, [("account", 2), ("held", 3), ("bank", 5)]),
        ({**PAYING, "sent": 100, "ended": 100}, [("closing", 0)]),
        ({**PAYING, "state": "closed", "sent": 100, "ended": 100}, []),
    ],
)
def test_a_run_goes_on_ends_or_says_what_it_waits_for(changed: dict[str, Any], waits: list[tuple[str, int]]) -> None:
    said = told(**changed)
    assert [(wait.code, wait.many) for wait in said.waits_for] == waits
    assert all(wait.zh and wait.en for wait in said.waits_for)


def test_the_step_under_way_has_its_rate_and_the_time_left() -> None:
    entering = {step.step: step for step in told(**APPROVED, entered=40).steps}["enter"]
    assert (entering.state, entering.done, entering.total) == ("going", 40, 100)
    assert (entering.rate_per_s, entering.seconds_left) == (4.0, 15)
    answered = {step.step: step for step in told(**PAYING, sent=100, ended=80).steps}["bank"]
    assert (answered.rate_per_s, answered.seconds_left) == (8.0, 2)


def test_a_step_that_is_done_or_waits_has_no_rate() -> None:
    steps = told(**PAYING, sent=100, ended=100).steps
    assert [step.state for step in steps] == ["done"] * 6 + ["waiting"]
    assert {step.rate_per_s for step in steps} == {None}


def test_what_is_halted_says_so() -> None:
    steps = {step.step: step for step in told(**APPROVED, halted=True).steps}
    assert (steps["enter"].state, steps["approve"].state) == ("halted", "done")


def test_only_a_closed_run_that_waits_for_nothing_has_ended() -> None:
    closed = {**PAYING, "state": "closed", "sent": 100}
    assert told(**closed, ended=100).ended
    assert not told(**PAYING, sent=100, ended=100).ended
    assert not told(**closed, ended=99).ended
