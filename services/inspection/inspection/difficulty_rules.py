"""Decisions on difficulties: a village raises one, somebody must answer; passing it on is not the end of it."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import DifficultyId, ShareId
from qingdan.inspection_events import DifficultyAnswered, DifficultyRaised
from runtime.problems import Refusal

DifficultyState = Literal["open", "forwarded", "answered"]
AnswerOutcome = Literal["resolved", "explained", "forwarded"]


class NotOfAVillage(Refusal):
    """A difficulty is raised by a village's own cadre. 困难反馈须由本村干部提出。"""

    status = 403


class AnsweredAlready(Refusal):
    """This difficulty has been answered. 该困难已答复。"""

    status = 409


@dataclass(frozen=True, slots=True)
class Difficulty:
    """A difficulty as it stands."""

    id: DifficultyId
    village: DivisionCode
    state: DifficultyState
    version: int


def raise_difficulty(
    difficulty: DifficultyId,
    division: DivisionCode,
    level: DivisionLevel,
    category: str,
    share: ShareId | None,
    *,
    today: date,
) -> DifficultyRaised:
    """A cadre of `division` cannot solve this alone. Raises NotOfAVillage unless the tree says it is a village."""
    if level is not DivisionLevel.VILLAGE:
        raise NotOfAVillage()
    return DifficultyRaised(difficulty=difficulty, village=division, category=category, share=share, raised_on=today)


def answer(difficulty: Difficulty, outcome: AnswerOutcome, *, today: date) -> DifficultyAnswered:
    """Somebody answers, or passes it on to whoever can. Raises AnsweredAlready."""
    if difficulty.state == "answered":
        raise AnsweredAlready()
    return DifficultyAnswered(difficulty=difficulty.id, village=difficulty.village, outcome=outcome, answered_on=today)


def state_after(outcome: AnswerOutcome) -> DifficultyState:
    """Where an answer leaves its difficulty: one that was forwarded still waits for a resolution or an explanation."""
    return "forwarded" if outcome == "forwarded" else "answered"
