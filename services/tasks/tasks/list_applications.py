"""Use case: the applications for access that concern the asker's department."""

from datetime import date
from typing import Self

import asyncpg
from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ApplicationId, DepartmentCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import application_store
from tasks.application_rules import ApplicationOrigin, ApplicationState, Wanted


class ApplicationView(BaseModel):
    """An application and where it stands; what has not happened is null."""

    application: ApplicationId
    division: DivisionCode
    department: str
    list_code: str
    wanted: Wanted
    origin: ApplicationOrigin
    emergency: str | None
    state: ApplicationState
    round: int
    stage: str = Field(description="the stage under way, or the last one")
    waiting_for: list[str] = Field(description="the departments whose opinion the stage waits for")
    due_on: date
    provisional: bool = Field(description="the official calendar does not reach the due date yet")
    escalated: int = Field(description="how often the delay of this stage was escalated")
    escalated_to: str | None
    applied_on: date
    review_by: date | None = Field(description="of an emergency: unless approved by then, it lapses")
    decided_on: date | None
    refusal_code: str | None
    item: str | None
    list_version: int | None = Field(description="the version by which the item came on the list")
    off_version: int | None = Field(description="the version by which an emergency's item went off it")
    version: int

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{**dict(row), "wanted": Wanted.model_validate_json(row["wanted"])})

    @property
    def position(self) -> ApplicationId:
        """Its place in the list, where the next page begins."""
        return self.application


async def list_applications(
    pool: Pool,
    actor: Actor,
    *,
    state: ApplicationState | None = None,
    department: DepartmentCode | None = None,
    after: ApplicationId | None = None,
    limit: int,
) -> list[ApplicationView]:
    """At most `limit` applications, oldest first, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await application_store.list_applications(
            tx, state=state, department=department, after=after, limit=limit
        )
    return [ApplicationView.of(row) for row in rows]
