"""Who may hold what, and who may lift it how."""

from dataclasses import replace
from uuid import UUID

import pytest

from runtime.ids import new_id
from subsidy import hold_rules
from subsidy.hold_rules import DecidedElsewhere, Hold, HoldId, HoldLifted, LiftedByAnother, OccurrenceOfWhat

WHO = UUID(int=7)


def manual() -> Hold:
    return hold_rules.suspend(HoldId(new_id()), WHO, "B01", "2026-07", reason="check", placed_by="a")


def test_an_occurrence_is_held_with_its_programme_only() -> None:
    with pytest.raises(OccurrenceOfWhat):
        hold_rules.suspend(HoldId(new_id()), WHO, None, "2026-07", reason="check", placed_by="a")


def test_a_manual_hold_is_its_own_cause() -> None:
    hold = manual()
    assert (hold.cause, hold.cause_id, hold.lifted) == ("manual", hold.id, False)


def test_another_person_lifts_either_way() -> None:
    assert [hold_rules.lift(manual(), "b", outcome) for outcome in ("resume", "stop")] == [None, None]


def test_who_placed_a_hold_does_not_lift_it() -> None:
    with pytest.raises(LiftedByAnother):
        hold_rules.lift(manual(), "a", "resume")


def test_a_hold_is_lifted_once() -> None:
    with pytest.raises(HoldLifted):
        hold_rules.lift(replace(manual(), lifted=True), "b", "resume")


def test_an_objection_is_decided_where_it_was_raised() -> None:
    with pytest.raises(DecidedElsewhere):
        hold_rules.lift(replace(manual(), cause="objection"), "b", "stop")


def test_finance_stops_what_is_doubted_and_does_not_clear_the_doubt() -> None:
    doubted = replace(manual(), cause="doubt")
    with pytest.raises(DecidedElsewhere):
        hold_rules.lift(doubted, "b", "resume")
    assert hold_rules.lift(doubted, "b", "stop") is None
