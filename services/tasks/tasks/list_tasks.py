"""Use case: the tasks published in the asker's scope."""

from datetime import date
from typing import Self

import asyncpg
from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, MeetingId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import AskKind
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import task_store
from tasks.task_rules import OpenTo


class TaskView(BaseModel):
    """A task, with how many of its shares are in which state."""

    task: TaskId
    division: DivisionCode
    meeting: MeetingId | None
    origin: Origin
    item: str | None
    list_version: int | None = Field(description="the version it was published under, for good")
    department: str
    kind: AskKind
    title_zh: str
    title_en: str
    inspect_on_completion: bool
    published_on: date
    legal_basis: str | None = Field(description="of a task that stands on no item of the list")
    open_to: OpenTo = Field(description="first: whoever claims first holds it, the other shares are withdrawn")
    hours_estimate: int | None = Field(description="of one person, per share")
    latest_on: date | None = Field(description="the statutory latest date, where law sets one")
    beyond_budget_reason: str | None = Field(description="why it had to be although it takes villages beyond theirs")
    shares: int
    published: int = Field(description="not claimed yet")
    claimed: int
    reported_done: int
    completed: int
    refused: int
    withdrawn: int

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        origin = {name: row[f"origin_{name}"] for name in ("service", "kind", "id")}
        return cls(origin=Origin(**origin), **{k: v for k, v in row.items() if not k.startswith("origin_")})

    @property
    def position(self) -> TaskId:
        """Its place in the list, where the next page begins."""
        return self.task


async def list_tasks(
    pool: Pool, actor: Actor, *, department: DepartmentCode | None, after: TaskId | None, limit: int
) -> list[TaskView]:
    """At most `limit` tasks, by id, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await task_store.list_tasks(tx, department=department, after=after, limit=limit)
    return [TaskView.of(row) for row in rows]
