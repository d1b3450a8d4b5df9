"""Commands and queries in, about tasks: one route, one line to a use case."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from qingdan.access_events import Words
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.ids import ApplicationId, DepartmentCode, ItemCode, MeetingId, TaskId, Title
from qingdan.tasks_events import AskKind, AskMerged, TaskPublished
from runtime.http import CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.gate_rules import IfDuplicate
from tasks.list_tasks import TaskView, list_tasks
from tasks.preview_task import TaskPreview, preview_task
from tasks.publish_task import Terms, publish_emergency_task, publish_task
from tasks.settings import Settings
from tasks.show_task import show_task
from tasks.task_rules import OpenTo

router = APIRouter(prefix="/v1", tags=["tasks"])


class PublishEmergencyTask(CommandModel):
    """What a department asks because of an emergency, whose item it relies on, and of which villages."""

    department: DepartmentCode
    kind: AskKind
    title_zh: Title
    title_en: Title
    villages: Literal["all"] | Annotated[list[DivisionCode], Field(min_length=1, max_length=1000)]
    open_to: OpenTo = Field("each", description="first: whoever claims first holds it, the other shares are withdrawn")
    if_duplicate: IfDuplicate = Field(
        "refuse", description="merge: if another department asked the same of all these villages, its task answers"
    )
    beyond_budget_reason: Words | None = Field(None, description="why it must be although a village's month is full")

    @property
    def ask(self) -> Ask:
        return Ask(self.department, self.kind, self.title_zh, self.title_en, None)

    def terms(self, request: Request) -> Terms:
        settings: Settings = request.app.state.running.settings
        window = timedelta(days=settings.duplicate_window_days)
        return Terms(self.open_to, self.if_duplicate, window, self.beyond_budget_reason)


class PublishTask(PublishEmergencyTask):
    """What a department asks, the item of the list that it relies on, and of which villages."""

    item: ItemCode | None = None

    @property
    def ask(self) -> Ask:
        return Ask(self.department, self.kind, self.title_zh, self.title_en, self.item)


@router.post(
    "/meetings/{meeting}/tasks",
    status_code=201,
    response_model=TaskPublished | AskMerged,
    summary="Put an ask on the table: the gate publishes, merges or refuses it 发布任务",
)
async def publish(meeting: MeetingId, body: PublishTask, request: Request, command: CreatingCommand) -> Response:
    return command.answer(
        await publish_task(command.pool, command.actor, meeting, body.ask, body.villages, body.terms(request))
    )


@router.post(
    "/access/emergencies/{application}/tasks",
    status_code=201,
    response_model=TaskPublished | AskMerged,
    summary="Ask under an emergency's item, without a meeting 应急下达任务",
)
async def publish_in_emergency(
    application: ApplicationId, body: PublishEmergencyTask, request: Request, command: CreatingCommand
) -> Response:
    terms = body.terms(request)
    return command.answer(
        await publish_emergency_task(command.pool, command.actor, application, body.ask, body.villages, terms)
    )


@router.post(
    "/meetings/{meeting}/tasks/preview",
    summary="What an ask would meet with: the gate's answer, the villages' month; writes nothing 任务预览",
)
async def preview(meeting: MeetingId, body: PublishTask, request: Request, query: Query) -> TaskPreview:
    window = body.terms(request).duplicate_window
    return await preview_task(query.pool, query.actor, meeting, body.ask, body.villages, window)


@router.get("/tasks", summary="Tasks, with their shares counted by state 任务列表")
async def tasks(
    query: Query, department: DepartmentCode | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[TaskView]:
    items = await list_tasks(
        query.pool, query.actor, department=department, after=position_in(after, TaskId), limit=limit
    )
    return page_of(items, limit)


@router.get("/tasks/{task}", summary="A task 任务详情")
async def task(task: TaskId, query: Query) -> TaskView:
    return await show_task(query.pool, query.actor, task)
