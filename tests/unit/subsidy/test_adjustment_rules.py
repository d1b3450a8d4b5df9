"""Adjustments: which programmes can be computed again, and who decides on what comes of it."""

from dataclasses import replace
from datetime import date

import pytest

from devkit.programmes import sample_programmes
from qingdan.divisions import DivisionCode
from qingdan.ids import AdjustmentId, RunId
from qingdan.money import Fen
from qingdan.subsidy_events import Outcome
from runtime.ids import new_id
from subsidy.adjustment_rules import (
    Adjustment,
    AdjustmentEnded,
    AnotherPersonDecides,
    ItemsDiffer,
    NothingRunYet,
    NothingToAdjust,
    adjustable,
    adjusted,
    decide,
    occurrence_of_more,
    require_paid,
    require_proposed,
)
from subsidy.programme_rules import Programme, compile_stored
from subsidy.run_rules import Run, RunNotThere, RunState

TODAY = date(2026, 11, 23)
SEEN = b"s" * 32
COMPILED = {
    each.programme.code: each
    for each in compile_stored([Programme.model_validate(each) for each in sample_programmes()])
}


def outcome(payments: int, fen: int) -> Outcome:
    return Outcome(payments=payments, total_fen=Fen(fen))


PROPOSED = Adjustment(
    id=AdjustmentId(new_id()),
    run=RunId(new_id()),
    division=DivisionCode("330523000000"),
    period="2026-07",
    number=2,
    state="proposed",
    prepared_by="li",
    items_hash=SEEN,
    arrears=outcome(3, 900),
    recoveries=outcome(1, 500),
    version=4,
)


def a_run(state: RunState) -> Run:
    return Run(
        id=PROPOSED.run,
        division=PROPOSED.division,
        division_id=1,
        period="2026-07",
        state=state,
        programme_version=1,
        prepared_by="li",
        frozen_by="li",
        approved_by="chen",
        frozen_hash=SEEN,
        notice_until=TODAY,
        version=7,
    )


def codes_of(*excludes: tuple[str, str]) -> list[str]:
    """What can be computed again of all sample programmes, with more pairs that exclude each other."""
    due = []
    for each in COMPILED.values():
        code = each.programme.code
        more = {other for pair in excludes if code in pair for other in pair if other != code}
        programme = each.programme.model_copy(update={"excludes": (*each.programme.excludes, *sorted(more))})
        due.append(replace(each, programme=programme))
    return sorted(each.programme.code for each in adjustable(due))


def test_what_is_paid_once_for_each_month_can_be_computed_again() -> None:
    again = codes_of()
    monthly = {code for code, each in COMPILED.items() if each.programme.once_per == "period"}
    assert monthly - {*again} == {"B60"}  # it counts the years that were paid
    assert {*again} <= monthly
    assert {"B01", "B08", "B17"} <= {*again}


def test_who_stands_back_for_what_is_paid_on_occurrence_cannot_nor_whoever_stands_back_for_them() -> None:
    """B66 is paid once ever, B08 would stand back for it, and B09 for B08."""
    left_out = {*codes_of()} - {*codes_of(("B66", "B08"))}
    assert left_out == {"B08", "B09", "B10"}


def test_what_counts_our_own_payments_of_today_cannot() -> None:
    monthly = COMPILED["B07"].programme.model_copy(update={"once_per": "period"})
    assert adjustable([replace(COMPILED["B07"], programme=monthly)]) == []


@pytest.mark.parametrize("state", ["previewed", "frozen", "approved"])
def test_only_what_was_paid_can_be_adjusted(state: RunState) -> None:
    with pytest.raises(RunNotThere):
        require_paid(a_run(state))


def test_a_month_without_a_run_cannot() -> None:
    with pytest.raises(NothingRunYet):
        require_paid(None)
    assert [require_paid(a_run(state)).state for state in ("paying", "closed")] == ["paying", "closed"]


def test_another_person_decides_on_what_they_saw() -> None:
    decide(PROPOSED, "chen", seen=SEEN)
    event = adjusted(PROPOSED, outcome(2, 600), today=TODAY)
    assert (event.arrears, event.recoveries) == (outcome(2, 600), outcome(1, 500))
    assert (event.adjustment, event.division, event.period) == (PROPOSED.id, PROPOSED.division, "2026-07")
    with pytest.raises(AnotherPersonDecides):
        decide(PROPOSED, "li", seen=SEEN)
    with pytest.raises(ItemsDiffer):
        decide(PROPOSED, "chen", seen=b"t" * 32)


def test_what_ended_is_not_decided_again() -> None:
    for state in ("decided", "dropped"):
        with pytest.raises(AdjustmentEnded):
            decide(replace(PROPOSED, state=state), "chen", seen=SEEN)
        with pytest.raises(AdjustmentEnded):
            require_proposed(replace(PROPOSED, state=state))


def test_nothing_is_not_decided_on() -> None:
    with pytest.raises(NothingToAdjust):
        decide(replace(PROPOSED, arrears=outcome(0, 0), recoveries=outcome(0, 0)), "chen", seen=SEEN)
    decide(replace(PROPOSED, arrears=outcome(0, 0)), "chen", seen=SEEN)
    decide(replace(PROPOSED, recoveries=outcome(0, 0)), "chen", seen=SEEN)


def test_each_adjustment_owes_something_of_its_own() -> None:
    assert occurrence_of_more("2026-07", 1) == "2026-07+1"
    assert occurrence_of_more("2026-07", 1) != occurrence_of_more("2026-07", 2)
