"""Use case: the minutes of a work meeting: agenda, attendance, tasks on the table with their claims, objections."""

import json
from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import MeetingId, ShareId, TaskId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from runtime.paging import Page, page_of
from tasks import meeting_store
from tasks.list_meetings import HeldMeeting, as_shown, is_village
from tasks.share_rules import ShareState


class ShareOnTable(BaseModel):
    """What a village did with its share."""

    share: ShareId
    village: DivisionCode
    state: ShareState
    claimed_on: date | None
    limit_working_days: int | None = Field(description="set by the village itself")
    due_on: date | None


class TaskOnTable(BaseModel):
    """A task that was published at the meeting."""

    task: TaskId
    department: str
    item: str | None
    list_version: int | None
    title_zh: str
    title_en: str
    open_to: Literal["each", "first"]
    shares: list[ShareOnTable]

    @property
    def position(self) -> TaskId:
        """Its place on the table, where the next page begins."""
        return self.task


class Attending(BaseModel):
    """An invited village."""

    village: DivisionCode
    attended: bool


class ObjectionMade(BaseModel):
    """What a village objected to, in its own words."""

    objection: UUID
    share: ShareId
    task: TaskId
    village: DivisionCode
    words: str
    raised_on: date


class RemarkMade(BaseModel):
    """What was added to the record later; nothing of the record itself is changed."""

    remark: UUID
    words: str
    made_on: date


class Minutes(HeldMeeting):
    """The whole record; the tasks come a page at a time. A village reads what concerns it."""

    attendance: list[Attending]
    tasks: Page[TaskOnTable]
    objections: list[ObjectionMade] = Field(description="the first 1000")
    remarks: list[RemarkMade] = Field(description="added later; the first 1000")


async def show_meeting(pool: Pool, actor: Actor, meeting: MeetingId, *, after: TaskId | None, limit: int) -> Minutes:
    """At most `limit` tasks of it, after the last one seen. Raises NotFound, also for a village not invited."""
    invited = is_village(actor)
    async with transaction(pool, actor) as tx:
        row = await meeting_store.view_meeting(tx, meeting, invited=invited)
        attendance = await meeting_store.list_attendance(tx, meeting)
        table = await meeting_store.list_table(tx, meeting, invited=invited, after=after, limit=limit)
        objections = await meeting_store.list_objections(tx, meeting)
        remarks = await meeting_store.list_remarks(tx, meeting, row["reader_id"])
    tasks = [TaskOnTable(**dict(each) | {"shares": json.loads(each["shares"])}) for each in table]
    return Minutes(
        **as_shown(dict(row)),
        attendance=[Attending(**dict(each)) for each in attendance],
        tasks=page_of(tasks, limit),
        objections=[ObjectionMade(**dict(each)) for each in objections],
        remarks=[RemarkMade(**dict(each)) for each in remarks],
    )
