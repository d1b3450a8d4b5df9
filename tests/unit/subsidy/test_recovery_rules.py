"""Claims for what was paid too much: repaid in parts, waived by another person, never more than is open."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingdan.money import Fen
from runtime.ids import new_id
from subsidy.recovery_rules import (
    MOVES,
    AnotherPersonWaives,
    Claim,
    ClaimEnded,
    MoreThanOpen,
    RecoveryState,
    repay,
    waive,
)

OPEN = Claim(new_id(), Fen(8_000), Fen(3_000), "open", "li", 2)


def test_a_part_leaves_it_open_and_the_rest_ends_it() -> None:
    assert repay(OPEN, Fen(4_999)) == "open"
    assert repay(OPEN, Fen(5_000)) == "recovered"


def test_nobody_repays_more_than_is_open() -> None:
    with pytest.raises(MoreThanOpen) as refused:
        repay(OPEN, Fen(5_001))
    assert refused.value.details == {"open_fen": 5_000}


def test_another_person_waives_what_is_left() -> None:
    assert waive(OPEN, "chen") == 5_000
    with pytest.raises(AnotherPersonWaives):
        waive(OPEN, "li")


@pytest.mark.parametrize("state", ["recovered", "waived"])
def test_what_ended_stays_ended(state: RecoveryState) -> None:
    ended = replace(OPEN, state=state)
    with pytest.raises(ClaimEnded):
        repay(ended, Fen(1))
    with pytest.raises(ClaimEnded):
        waive(ended, "chen")


@given(st.integers(1, 10**6).flatmap(lambda fen: st.tuples(st.just(fen), st.lists(st.integers(1, fen), max_size=20))))
def test_however_it_is_repaid_it_never_comes_to_more_than_was_claimed(said: tuple[int, list[int]]) -> None:
    amount_fen, parts = said
    claim = Claim(new_id(), Fen(amount_fen), Fen(0), "open", "li", 1)
    for part in parts:
        try:
            state = repay(claim, Fen(part))
        except (MoreThanOpen, ClaimEnded):
            continue
        claim = replace(claim, recovered_fen=Fen(claim.recovered_fen + part), state=state)
    assert claim.recovered_fen <= claim.amount_fen
    assert (claim.state == "recovered") == (claim.recovered_fen == claim.amount_fen)


def test_money_that_is_asked_back_leaves_paid_and_comes_back_to_the_budget_or_stays_paid() -> None:
    assert MOVES["claimed"][1] == MOVES["repaid"][0] == MOVES["waived"][0] == "recovery"
    assert MOVES["claimed"][0] == MOVES["waived"][1] == "paid"
    assert MOVES["repaid"][1] == "budget"
