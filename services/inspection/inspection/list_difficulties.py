"""Use case: which difficulties wait for an answer, the one that waits longest first, so that nobody is starved."""

from datetime import date
from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field

from inspection import difficulty_store
from inspection.difficulty_rules import AnswerOutcome, DifficultyState
from qingdan.divisions import DivisionCode
from qingdan.ids import DifficultyId, ShareId
from runtime.actor import Actor
from runtime.db import Pool, transaction


class DifficultyPosition(NamedTuple):
    """A place in the list of difficulties: who waits, who was passed on, who was answered; in each by age."""

    place: Annotated[int, Field(ge=0, le=2)]
    difficulty: DifficultyId


class AnswerView(BaseModel):
    """One answer to a difficulty."""

    outcome: AnswerOutcome
    text: str
    answered_on: date


class DifficultyView(BaseModel):
    """A difficulty with its answers; more than one where it was passed on."""

    difficulty: DifficultyId
    village: DivisionCode
    department: str | None
    share: ShareId | None
    category: str
    text: str
    state: DifficultyState
    raised_on: date
    version: int
    place: int = Field(exclude=True)
    answers: list[AnswerView]

    @property
    def position(self) -> DifficultyPosition:
        """Its place in the list, where the next page begins."""
        return DifficultyPosition(self.place, self.difficulty)


async def list_difficulties(
    pool: Pool, actor: Actor, *, state: DifficultyState | None, after: DifficultyPosition | None, limit: int
) -> list[DifficultyView]:
    """At most `limit` difficulties in the actor's scope: open, then forwarded, then answered; in each, oldest first."""
    async with transaction(pool, actor) as tx:
        rows = await difficulty_store.list_difficulties(tx, state=state, after=after, limit=limit)
        answers = await difficulty_store.list_answers(tx, [DifficultyId(row["difficulty"]) for row in rows])
    return [
        DifficultyView(
            **dict(row),
            answers=[AnswerView(**dict(own)) for own in answers if own["difficulty_id"] == row["difficulty"]],
        )
        for row in rows
    ]
