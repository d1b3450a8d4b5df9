"""Use case: the shares that this service has heard of, each once."""

from datetime import date
from typing import NamedTuple

from pydantic import BaseModel, Field

from inspection import share_store
from inspection.visit_rules import ShareState
from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from runtime.actor import Actor
from runtime.db import Pool, transaction


class SharePosition(NamedTuple):
    """A place in the list of shares."""

    share: ShareId


class ShareView(BaseModel):
    """A village's share as far as events have told of it; what nobody has told is null."""

    share: ShareId
    task: TaskId
    village: DivisionCode
    department: str | None
    kind: str | None
    item: str | None
    title_zh: str | None
    title_en: str | None
    inspect_on_completion: bool | None = Field(description="whether a visit decides on completion")
    published_on: date | None
    state: ShareState
    limit_working_days: int | None
    claimed_on: date | None
    due_on: date | None
    provisional: bool | None
    percent: int | None
    reported_on: date | None
    refusal_code: str | None
    refused_on: date | None
    completed_on: date | None
    on_time: bool | None
    version: int

    @property
    def position(self) -> SharePosition:
        """Its place in the list, where the next page begins."""
        return SharePosition(self.share)


async def list_shares(
    pool: Pool, actor: Actor, *, state: ShareState | None, after: SharePosition | None, limit: int
) -> list[ShareView]:
    """At most `limit` shares in the actor's scope, by id, after the position of the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await share_store.list_shares(tx, state=state, after=after, limit=limit)
    return [ShareView(**dict(row)) for row in rows]
