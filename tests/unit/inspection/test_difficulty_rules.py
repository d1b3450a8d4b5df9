"""Difficulties: raised by a village, answered by somebody; passing on is no end."""

from datetime import date
from uuid import UUID

import pytest

from inspection import difficulty_rules
from inspection.difficulty_rules import Difficulty, DifficultyState
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import DifficultyId

TODAY = date(2026, 3, 5)
VILLAGE = DivisionCode("130431105205")


def difficulty(state: DifficultyState) -> Difficulty:
    return Difficulty(DifficultyId(UUID(int=1)), VILLAGE, state, version=1)


def test_a_village_raises_a_difficulty() -> None:
    event = difficulty_rules.raise_difficulty(
        DifficultyId(UUID(int=1)), VILLAGE, DivisionLevel.VILLAGE, "funding", None, today=TODAY
    )
    assert (event.village, event.category, event.share, event.raised_on) == (VILLAGE, "funding", None, TODAY)


@pytest.mark.parametrize("level", [level for level in DivisionLevel if level is not DivisionLevel.VILLAGE])
def test_only_a_village_has_difficulties(level: DivisionLevel) -> None:
    with pytest.raises(difficulty_rules.NotOfAVillage):
        difficulty_rules.raise_difficulty(DifficultyId(UUID(int=1)), VILLAGE, level, "funding", None, today=TODAY)


@pytest.mark.parametrize("state", ["open", "forwarded"])
@pytest.mark.parametrize(
    ("outcome", "after"), [("resolved", "answered"), ("explained", "answered"), ("forwarded", "forwarded")]
)
def test_a_difficulty_waits_until_it_is_resolved_or_explained(
    state: DifficultyState, outcome: difficulty_rules.AnswerOutcome, after: DifficultyState
) -> None:
    event = difficulty_rules.answer(difficulty(state), outcome, today=TODAY)
    assert (event.outcome, event.answered_on) == (outcome, TODAY)
    assert difficulty_rules.state_after(outcome) == after


def test_an_answered_difficulty_is_not_answered_again() -> None:
    with pytest.raises(difficulty_rules.AnsweredAlready):
        difficulty_rules.answer(difficulty("answered"), "resolved", today=TODAY)
