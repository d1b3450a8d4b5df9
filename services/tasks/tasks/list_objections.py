"""Use case: objections to places, those to be decided first at the top: what nobody decided in time is first of all."""

import json
from datetime import date
from typing import Final, Self

import asyncpg
from pydantic import BaseModel, Field

from qingdan.assessment_events import Correction
from qingdan.divisions import DivisionCode
from qingdan.ids import AssessmentId, ShareId
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import objection_store
from tasks.objection_rules import ObjectionId, ObjectionState

PARTIES: Final = frozenset({Role.VILLAGE_CADRE, Role.TOWN_STAFF})
"""Who is ranked and who ranks: whom the reasons are for. Others in scope see that there is an objection."""


class ObjectionView(BaseModel):
    """An objection; reasons are null for who is no party to it."""

    objection: ObjectionId
    assessment: AssessmentId
    division: DivisionCode
    reason: str | None
    shares: list[ShareId] = Field(description="those that the division names")
    objected_on: date
    decide_by: date = Field(description="the day until which it is to be decided; silence decides nothing")
    overdue: bool
    state: ObjectionState
    decided_on: date | None
    decision_reason: str | None
    corrections: list[Correction]
    corrected_by: AssessmentId | None = Field(description="the assessment that gives the new places")
    version: int

    @property
    def position(self) -> tuple[date, ObjectionId]:
        """Its place in the list, where the next page begins."""
        return self.decide_by, self.objection

    @classmethod
    def shown_to(cls, actor: Actor, row: asyncpg.Record, *, today: date) -> Self:
        """As this actor may see it."""
        shown = dict(row) | {"corrections": json.loads(row["corrections"] or "[]")}
        shown["overdue"] = row["state"] == "open" and row["decide_by"] < today
        hidden = {} if actor.roles & PARTIES and actor.department is None else {"reason": None, "decision_reason": None}
        return cls(**shown | hidden)


async def list_objections(
    pool: Pool, actor: Actor, *, state: ObjectionState | None, after: tuple[date, ObjectionId] | None, limit: int
) -> list[ObjectionView]:
    """At most `limit` objections, by the day on which they are to be decided, after the last one seen."""
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        rows = await objection_store.list_objections(tx, state=state, after=after, limit=limit)
    return [ObjectionView.shown_to(actor, row, today=today) for row in rows]
