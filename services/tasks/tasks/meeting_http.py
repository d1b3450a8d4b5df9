"""Commands and queries in, about work meetings: one route, one line to a use case."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, MeetingId, TaskId, Title
from qingdan.tasks_events import MeetingClosed
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.add_remark import Remark, add_remark
from tasks.close_meeting import close_meeting
from tasks.hold_meeting import MeetingView, hold_meeting
from tasks.list_meetings import HeldMeeting, list_meetings
from tasks.meeting_rules import Point
from tasks.raise_objection import Objection, raise_objection
from tasks.record_attendance import Attendance, record_attendance
from tasks.show_meeting import Minutes, show_meeting

router = APIRouter(prefix="/v1", tags=["tasks"])

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class OnAgenda(CommandModel):
    """A point of the agenda, and the department that brings it, if any."""

    title: Title
    department: DepartmentCode | None = None


class HoldMeeting(CommandModel):
    """Where and when the work meeting is held, and what is on its agenda; all villages of the division are invited."""

    division: DivisionCode
    held_on: date
    title: Title
    agenda: list[OnAgenda] = Field(default_factory=list, max_length=100)

    @property
    def points(self) -> list[Point]:
        return [Point(point.title, point.department) for point in self.agenda]


class Attended(CommandModel):
    """The villages that came, all of them."""

    villages: Annotated[list[DivisionCode], Field(max_length=1000)]


class ObjectTo(CommandModel):
    """Which village objects to which task, in its own words."""

    village: DivisionCode
    task: TaskId
    words: Words


class AddRemark(CommandModel):
    """What is added to the record."""

    words: Words


@router.post("/meetings", status_code=201, response_model=MeetingView, summary="Hold a work meeting 召开工作部署会")
async def meet(body: HoldMeeting, command: CreatingCommand) -> Response:
    return command.answer(
        await hold_meeting(command.pool, command.actor, body.division, body.held_on, body.title, body.points)
    )


@router.get("/meetings", summary="Work meetings 会议列表")
async def meetings(query: Query, after: Cursor = None, limit: PageLimit = 50) -> Page[HeldMeeting]:
    items = await list_meetings(query.pool, query.actor, after=position_in(after, MeetingId), limit=limit)
    return page_of(items, limit)


@router.get("/meetings/{meeting}", summary="The minutes, with a page of the tasks on the table 会议记录")
async def minutes(
    meeting: MeetingId, query: Query, response: Response, after: Cursor = None, limit: PageLimit = 50
) -> Minutes:
    view = await show_meeting(query.pool, query.actor, meeting, after=position_in(after, TaskId), limit=limit)
    if view.version is not None:
        response.headers["ETag"] = f'"{view.version}"'
    return view


@router.post("/meetings/{meeting}/attendance", response_model=Attendance, summary="Record which villages came 登记到会")
async def attendance(meeting: MeetingId, body: Attended, command: ChangingCommand) -> Response:
    return command.answer(
        await record_attendance(command.pool, command.actor, meeting, body.villages, expected=command.expected)
    )


@router.post(
    "/meetings/{meeting}/objections",
    status_code=201,
    response_model=Objection,
    summary="A village objects to a task on the table 提出异议",
)
async def object_to(meeting: MeetingId, body: ObjectTo, command: CreatingCommand) -> Response:
    return command.answer(
        await raise_objection(command.pool, command.actor, meeting, body.village, body.task, body.words)
    )


@router.post(
    "/meetings/{meeting}/remarks",
    status_code=201,
    response_model=Remark,
    summary="Add a remark to the record, also once it is closed 补充会议记录说明",
)
async def remark(meeting: MeetingId, body: AddRemark, command: CreatingCommand) -> Response:
    return command.answer(await add_remark(command.pool, command.actor, meeting, body.words))


@router.post("/meetings/{meeting}/close", response_model=MeetingClosed, summary="Close the record 会议记录归档")
async def close(meeting: MeetingId, command: ChangingCommand) -> Response:
    return command.answer(await close_meeting(command.pool, command.actor, meeting, expected=command.expected))
