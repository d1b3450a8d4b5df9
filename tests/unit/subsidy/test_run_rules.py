"""A run: previewed, frozen, approved by a second person, paying, closed; and what each step refuses."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.money import Fen
from qingdan.subsidy_events import Outcome, ProgrammeTotal
from runtime.problems import Forbidden, Refusal
from subsidy import run_rules
from subsidy.run_rules import (
    ApprovedAlready,
    HashDiffers,
    NoStatement,
    NothingToPay,
    NoticeOutOfReach,
    NoticeRunning,
    Run,
    RunNotDone,
    RunNotThere,
    RunState,
    SecondPersonNeeded,
    Standing,
    WholeCountyNeeded,
)

TODAY = date(2026, 7, 20)
HASH, OTHER_HASH = b"h" * 32, b"o" * 32
TOTALS = (ProgrammeTotal(programme="B01", payments=2, total_fen=Fen(100)),)
STATES: tuple[RunState, ...] = ("previewed", "frozen", "approved", "paying", "closed")
NONE, ONE, TWO = (Outcome(payments=n, total_fen=Fen(100 * n)) for n in (0, 1, 2))
DONE = Standing(open=0, sent=TWO, settled=ONE, rejected=ONE, returned=NONE, reversed=NONE)
STATEMENT = UUID(int=5)


def run(state: RunState = "previewed") -> Run:
    frozen = state != "previewed"
    approved = frozen and state != "frozen"
    return Run(
        id=RunId(UUID(int=1)),
        division=DivisionCode("330523000000"),
        division_id=3,
        period="2026-07",
        state=state,
        programme_version=1,
        prepared_by="li",
        frozen_by="wang" if frozen else None,
        approved_by="chen" if approved else None,
        frozen_hash=HASH if frozen else None,
        notice_until=TODAY if frozen else None,
        version=4,
    )


COMMANDS: dict[str, Callable[[Run], object]] = {
    "freeze": lambda it: run_rules.freeze(it, TOTALS, HASH, notice_until=TODAY, today=TODAY),
    "approve": lambda it: run_rules.approve(it, "chen", seen=HASH, approved_by=[], today=TODAY),
    "give_back": lambda it: run_rules.give_back(it, seen=HASH, reason="wrong_rule", today=TODAY),
    "pay_again": lambda it: run_rules.pay_again(it, "chen"),
    "take_statement": run_rules.take_statement,
    "reconcile": lambda it: run_rules.reconcile(it, STATEMENT),
    "close": lambda it: run_rules.close(it, DONE, reconciled=True, differences=0, today=TODAY),
}
ALLOWED = {
    "freeze": {"previewed"},
    "approve": {"frozen"},
    "give_back": {"frozen"},
    "pay_again": {"paying", "closed"},
    "take_statement": {"paying"},
    "reconcile": {"paying"},
    "close": {"paying"},
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", STATES)
def test_each_step_has_its_states(state: RunState, command: str) -> None:
    refused = None
    try:
        COMMANDS[command](run(state))
    except Refusal as refusal:
        refused = refusal
    assert (refused is None) == (state in ALLOWED[command])
    assert refused is None or isinstance(refused, RunNotThere)


def test_a_freeze_tells_the_totals_and_the_notice() -> None:
    event = run_rules.freeze(run(), TOTALS, HASH, notice_until=TODAY + timedelta(days=7), today=TODAY)
    assert (event.programmes, event.frozen_on, event.notice_until) == (TOTALS, TODAY, TODAY + timedelta(days=7))
    assert event.frozen_hash == HASH.hex()


def test_a_run_of_nothing_is_not_frozen() -> None:
    with pytest.raises(NothingToPay):
        run_rules.freeze(run(), (), HASH, notice_until=TODAY, today=TODAY)


@pytest.mark.parametrize("days", [-1, 91])
def test_a_notice_ends_neither_before_it_begins_nor_out_of_sight(days: int) -> None:
    with pytest.raises(NoticeOutOfReach):
        run_rules.freeze(run(), TOTALS, HASH, notice_until=TODAY + timedelta(days=days), today=TODAY)


@pytest.mark.parametrize("same", ["li", "wang"])
def test_who_prepared_or_froze_neither_approves_nor_pays_again(same: str) -> None:
    with pytest.raises(SecondPersonNeeded):
        run_rules.approve(run("frozen"), same, seen=HASH, approved_by=[], today=TODAY)
    with pytest.raises(SecondPersonNeeded):
        run_rules.pay_again(run("paying"), same)
    assert issubclass(SecondPersonNeeded, Forbidden)


def test_exactly_what_was_frozen_is_approved() -> None:
    with pytest.raises(HashDiffers):
        run_rules.approve(run("frozen"), "chen", seen=OTHER_HASH, approved_by=[], today=TODAY)


def test_from_an_amount_on_a_third_person_approves() -> None:
    assert [run_rules.approvals_needed(fen, third_person_from_fen=100) for fen in (99, 100, 101)] == [1, 2, 2]
    large = replace(run("frozen"), approvals_needed=2)
    assert run_rules.approve(large, "chen", seen=HASH, approved_by=[], today=TODAY) is None
    with pytest.raises(ApprovedAlready):
        run_rules.approve(large, "chen", seen=HASH, approved_by=["chen"], today=TODAY)
    event = run_rules.approve(large, "zhou", seen=HASH, approved_by=["chen"], today=TODAY)
    assert event is not None
    assert event.approvals == 2


def test_nothing_is_approved_before_the_notice_ends() -> None:
    noticed = replace(run("frozen"), notice_until=TODAY + timedelta(days=1))
    with pytest.raises(NoticeRunning):
        run_rules.approve(noticed, "chen", seen=HASH, approved_by=[], today=TODAY)
    event = run_rules.approve(noticed, "chen", seen=HASH, approved_by=[], today=TODAY + timedelta(days=1))
    assert event is not None
    assert event.run == noticed.id


def test_a_part_of_the_county_is_neither_frozen_nor_approved() -> None:
    run_rules.require_whole_county(None)
    with pytest.raises(WholeCountyNeeded):
        run_rules.require_whole_county("MZJ")


def test_without_a_statement_nothing_is_reconciled() -> None:
    with pytest.raises(NoStatement):
        run_rules.reconcile(run("paying"), None)


def test_a_closed_run_says_what_became_of_every_payment_that_was_sent() -> None:
    closed = run_rules.close(run("paying"), DONE, reconciled=True, differences=0, today=TODAY)
    totals = closed.totals
    ends = (totals.settled, totals.rejected, totals.returned)
    assert totals.instructed.payments == sum(end.payments for end in ends)
    assert totals.instructed.total_fen == sum(end.total_fen for end in ends)


@pytest.mark.parametrize(
    ("standing", "reconciled", "differences"),
    [(replace(DONE, open=1), True, 0), (DONE, False, 0), (DONE, True, 1)],
)
def test_a_run_is_not_closed_as_long_as_something_is_missing(
    standing: Standing, reconciled: bool, differences: int
) -> None:
    with pytest.raises(RunNotDone) as refused:
        run_rules.close(run("paying"), standing, reconciled=reconciled, differences=differences, today=TODAY)
    said = refused.value.details
    assert said == {"open_payments": standing.open, "reconciled": reconciled, "differences": differences}
