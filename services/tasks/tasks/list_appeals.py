"""Use case: appeals against villages' noes, those to be decided first at the top."""

from datetime import date
from typing import Final, Self

import asyncpg
from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, ShareId, TaskId
from qingdan.tasks_events import RefusalCode
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import appeal_rules, appeal_store, stage_store
from tasks.appeal_rules import AppealState

PARTIES: Final = frozenset({Role.VILLAGE_CADRE, Role.DEPARTMENT_STAFF, Role.ACCESS_APPROVER})
"""Village, department and county: whom the reasons are for. Others in scope see that there is an appeal."""


class AppealView(BaseModel):
    """An appeal; reasons are null for who is no party to it."""

    ask: AskId
    share: ShareId
    task: TaskId
    village: DivisionCode
    department: str
    code: RefusalCode = Field(description="why the village said no")
    title_zh: str
    title_en: str
    reasons: str | None
    appealed_on: date
    decide_by: date = Field(description="the day until which the county decides; then the no stands by itself")
    state: AppealState
    decided_on: date | None
    decision_reason: str | None
    version: int

    @property
    def position(self) -> tuple[date, AskId]:
        """Its place in the list, where the next page begins."""
        return self.decide_by, self.ask

    @classmethod
    def shown_to(cls, actor: Actor, row: asyncpg.Record) -> Self:
        """As this actor may see it."""
        hidden = {} if actor.roles & PARTIES else {"reasons": None, "decision_reason": None}
        return cls(**(dict(row) | hidden))


async def list_appeals(
    pool: Pool, actor: Actor, *, state: AppealState | None, after: tuple[date, AskId] | None, limit: int
) -> list[AppealView]:
    """At most `limit` appeals, by the day on which they must be decided, after the last one seen."""
    reader = appeal_store.decider(actor)
    async with transaction(pool, appeal_store.scope_of(actor, reader)) as tx:
        stages = await stage_store.stages_in_force(tx, "ordinary", business_date(utcnow()))
        department = appeal_rules.department_shown(reader, stages.seated)
        rows = await appeal_store.list_appeals(tx, department, state=state, after=after, limit=limit)
    return [AppealView.shown_to(actor, row) for row in rows]
