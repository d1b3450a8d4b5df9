"""Use case: the shares in the asker's scope."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.tasks_events import AskKind, RefusalCode
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.workday_calendar import calendar
from tasks import share_store
from tasks.clock_rules import DUE_SOON_WORKING_DAYS
from tasks.share_rules import ShareState
from tasks.today_rules import PartName


class ShareView(BaseModel):
    """A village's share of a task; what has not happened is null."""

    share: ShareId
    task: TaskId
    village: DivisionCode
    department: str
    kind: AskKind
    item: str | None
    list_version: int | None
    title_zh: str
    title_en: str
    inspect_on_completion: bool = Field(description="whether a visit decides on completion")
    published_on: date
    legal_basis: str | None = Field(description="of a task that stands on no item of the list")
    state: ShareState
    limit_working_days: int | None = Field(description="set by the village itself")
    claimed_on: date | None
    due_on: date | None
    provisional: bool | None = Field(description="the official calendar does not reach the due date yet")
    percent: int
    reported_on: date | None
    completed_on: date | None
    used_working_days: int | None
    refusal_code: RefusalCode | None
    refused_on: date | None
    waiting_for: str | None = Field(description="who holds the ball while the village's clock stands still")
    paused_on: date | None
    paused_working_days: int = Field(description="of the pauses that are over; they are in the due date")
    findings: int
    passed_first_recheck: int
    version: int

    @property
    def position(self) -> ShareId:
        """Its place in the list, where the next page begins."""
        return self.share


async def list_shares(
    pool: Pool,
    actor: Actor,
    *,
    state: ShareState | None = None,
    village: DivisionCode | None = None,
    task: TaskId | None = None,
    due_before: date | None = None,
    desk: PartName | None = None,
    after: ShareId | None = None,
    limit: int,
) -> list[ShareView]:
    """At most `limit` shares, by id, after the last one seen; desk: the same parts as of today's desk."""
    async with transaction(pool, actor) as tx:
        part = None
        if desk is not None:
            today = business_date(utcnow())
            part = (desk, today, (await calendar(tx)).add_working_days(today, DUE_SOON_WORKING_DAYS).on)
        rows = await share_store.list_shares(
            tx, state=state, village=village, task=task, due_before=due_before, desk=part, after=after, limit=limit
        )
    return [ShareView(**dict(row)) for row in rows]
