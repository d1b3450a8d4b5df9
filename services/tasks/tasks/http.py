"""Commands and queries in: one route, one line to a use case."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from qingdan.access_events import ListVersionTookEffect
from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, AssessmentId, DepartmentCode, ItemCode, ListCode, MeetingId, ShareId, TaskId, Title
from qingdan.tasks_events import (
    AskKind,
    Photos,
    RefusalCode,
    ShareClaimed,
    ShareCompleted,
    ShareProgressed,
    ShareRefused,
    ShareReportedDone,
    TaskPublished,
)
from runtime.db import Version
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from runtime.several import AT_ONCE_MAX, SeenVersion, each_once
from tasks.assess_divisions import assess_divisions
from tasks.claim_task import claim_task
from tasks.claim_tasks import SharesClaimed, claim_tasks
from tasks.count_refused_asks import RefusedCount, count_refused_asks
from tasks.gate_rules import Ask
from tasks.history_rules import ROWS_MAX, FinishedShare
from tasks.hold_meeting import MeetingView, hold_meeting
from tasks.import_history import HistoryImported, import_history
from tasks.list_refused_asks import RefusedAskView, list_refused_asks
from tasks.list_rules import VILLAGE_LIST, Item, NegativeEntry
from tasks.list_shares import ShareView, list_shares
from tasks.list_tasks import TaskView, list_tasks
from tasks.publish_list_version import publish_list_version
from tasks.publish_task import publish_task
from tasks.refuse_share import refuse_share
from tasks.report_all_done import SharesDone, report_all_done
from tasks.report_done import report_done
from tasks.report_progress import report_progress
from tasks.share_rules import LIMIT_WORKING_DAYS_MAX, ShareState, VillageCode
from tasks.show_assessment import AssessmentView, show_assessment
from tasks.show_list import ItemView, ListView, show_item, show_list
from tasks.show_share import ReportedShare, show_share
from tasks.show_statistics import Statistics, show_statistics
from tasks.show_task import show_task

router = APIRouter(prefix="/v1", tags=["tasks"])

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class PublishListVersion(CommandModel):
    """A whole version of a list, what may never be asked included."""

    list_code: ListCode = VILLAGE_LIST
    effective_on: date
    items: list[Item] = Field(min_length=1, max_length=400)
    negative: list[NegativeEntry] = Field(default=[], max_length=100)


class HoldMeeting(CommandModel):
    """Where and when the work meeting is held."""

    division: DivisionCode
    held_on: date
    title: Title


class PublishTask(CommandModel):
    """What a department asks, the item of the list that it relies on, and of which villages."""

    item: ItemCode | None = None
    department: DepartmentCode
    kind: AskKind
    title_zh: Title
    title_en: Title
    villages: Literal["all"] | Annotated[list[DivisionCode], Field(min_length=1, max_length=1000)]

    @property
    def ask(self) -> Ask:
        return Ask(self.department, self.kind, self.title_zh, self.title_en, self.item)


class ClaimShare(CommandModel):
    """The time limit that the village sets itself."""

    limit_working_days: int = Field(ge=1, le=LIMIT_WORKING_DAYS_MAX)


class SeenShare(CommandModel):
    """A share and its version as last read, in place of the If-Match of a single one."""

    share: ShareId
    version: SeenVersion


class ClaimShares(CommandModel):
    """Shares of the village, and the one time limit that it sets itself for them."""

    shares: Annotated[list[SeenShare], Field(min_length=1, max_length=AT_ONCE_MAX), each_once("share")]
    limit_working_days: int = Field(ge=1, le=LIMIT_WORKING_DAYS_MAX)


class RefuseShare(CommandModel):
    """Why the village says no."""

    code: VillageCode
    reason: Words = ""


class ReportProgress(CommandModel):
    """How far the village is; photos are welcome and never required."""

    percent: int = Field(ge=0, le=100)
    note: Words = ""
    photo_sha256: Photos = ()


class ReportDone(CommandModel):
    """The share is done; photos are welcome and never required."""

    photo_sha256: Photos = ()


class DoneShare(SeenShare):
    """A share that is done, with its photos."""

    photo_sha256: Photos = ()


class ReportShares(CommandModel):
    """Shares that are done."""

    shares: Annotated[list[DoneShare], Field(min_length=1, max_length=AT_ONCE_MAX), each_once("share")]


class ImportHistory(CommandModel):
    """A finished past; the name of the batch and the rows' own content make a repeated import harmless."""

    batch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
    rows: list[FinishedShare] = Field(min_length=1, max_length=ROWS_MAX)


class AssessDivisions(CommandModel):
    """Rank the divisions of `level` below `division`, by what was claimed in the period."""

    division: DivisionCode
    level: Literal["township", "village"]
    period_from: date
    period_to: date


@router.post(
    "/list-versions",
    status_code=201,
    response_model=ListVersionTookEffect,
    summary="Put a version of a list in force (operator) 发布清单版本",
)
async def publish_list(body: PublishListVersion, command: CreatingCommand) -> Response:
    return command.answer(
        await publish_list_version(
            command.pool,
            command.actor,
            body.list_code,
            effective_on=body.effective_on,
            items=body.items,
            negative=body.negative,
        )
    )


@router.get("/list", summary="The list as it stood on a day 查询清单")
async def responsibility_list(query: Query, as_of: date | None = None, list_code: ListCode = VILLAGE_LIST) -> ListView:
    return await show_list(query.pool, query.actor, list_code, as_of)


@router.get("/list/items/{code}", summary="One item of the list 查询清单事项")
async def item(code: ItemCode, query: Query, as_of: date | None = None, list_code: ListCode = VILLAGE_LIST) -> ItemView:
    return await show_item(query.pool, query.actor, list_code, code, as_of)


@router.post("/meetings", status_code=201, response_model=MeetingView, summary="Hold a work meeting 召开工作部署会")
async def meet(body: HoldMeeting, command: CreatingCommand) -> Response:
    return command.answer(await hold_meeting(command.pool, command.actor, body.division, body.held_on, body.title))


@router.post(
    "/meetings/{meeting}/tasks",
    status_code=201,
    response_model=TaskPublished,
    summary="Put an ask on the table: the gate publishes or refuses it 发布任务",
)
async def publish(meeting: MeetingId, body: PublishTask, command: CreatingCommand) -> Response:
    return command.answer(await publish_task(command.pool, command.actor, meeting, body.ask, body.villages))


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


@router.get("/shares", summary="Shares: what is on a village's desk 任务份额列表")
async def shares(
    query: Query,
    *,
    state: ShareState | None = None,
    village: DivisionCode | None = None,
    task: TaskId | None = None,
    due_before: date | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[ShareView]:
    items = await list_shares(
        query.pool,
        query.actor,
        state=state,
        village=village,
        task=task,
        due_before=due_before,
        after=position_in(after, ShareId),
        limit=limit,
    )
    return page_of(items, limit)


@router.get("/shares/{share}", summary="A share, with the village's reports 任务份额详情")
async def share(share: ShareId, query: Query, response: Response) -> ReportedShare:
    view = await show_share(query.pool, query.actor, share)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.post("/shares/{share}/claim", response_model=ShareClaimed, summary="Claim a share and set one's own limit 认领")
async def claim(share: ShareId, body: ClaimShare, command: ChangingCommand) -> Response:
    return command.answer(
        await claim_task(command.pool, command.actor, share, body.limit_working_days, expected=command.expected)
    )


@router.post(
    "/shares/claim",
    response_model=SharesClaimed,
    summary="Claim several shares under one limit: all or none 批量认领",
)
async def claim_several(body: ClaimShares, command: CreatingCommand) -> Response:
    expected = {seen.share: Version(seen.version) for seen in body.shares}
    return command.answer(await claim_tasks(command.pool, command.actor, expected, body.limit_working_days))


@router.post("/shares/{share}/refuse", response_model=ShareRefused, summary="Say no, with a reason 拒绝")
async def refuse(share: ShareId, body: RefuseShare, command: ChangingCommand) -> Response:
    return command.answer(
        await refuse_share(command.pool, command.actor, share, body.code, body.reason, expected=command.expected)
    )


@router.post("/shares/{share}/progress", response_model=ShareProgressed, summary="Report progress 报告进展")
async def progress(share: ShareId, body: ReportProgress, command: ChangingCommand) -> Response:
    return command.answer(
        await report_progress(
            command.pool,
            command.actor,
            share,
            body.percent,
            note=body.note,
            photo_sha256=body.photo_sha256,
            expected=command.expected,
        )
    )


@router.post(
    "/shares/{share}/report-done",
    response_model=ShareCompleted | ShareReportedDone,
    summary="Report as done: complete, or waiting for its visit 报告完成",
)
async def done(share: ShareId, body: ReportDone, command: ChangingCommand) -> Response:
    return command.answer(
        await report_done(command.pool, command.actor, share, body.photo_sha256, expected=command.expected)
    )


@router.post(
    "/shares/report-done",
    response_model=SharesDone,
    summary="Report several shares as done: all or none 批量报告完成",
)
async def all_done(body: ReportShares, command: CreatingCommand) -> Response:
    expected = {seen.share: Version(seen.version) for seen in body.shares}
    photos = {seen.share: seen.photo_sha256 for seen in body.shares}
    return command.answer(await report_all_done(command.pool, command.actor, expected, photos))


@router.get("/asks/refused", summary="Refused asks, with their reasons 被拒事项")
async def refused_asks(
    query: Query,
    department: DepartmentCode | None = None,
    code: RefusalCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[RefusedAskView]:
    items = await list_refused_asks(
        query.pool, query.actor, department=department, code=code, after=position_in(after, AskId), limit=limit
    )
    return page_of(items, limit)


@router.get("/asks/refused/counts", summary="Refused asks by department and reason 被拒事项统计")
async def refused_counts(query: Query) -> list[RefusedCount]:
    return await count_refused_asks(query.pool, query.actor)


@router.get("/statistics", summary="Counts in one's scope 统计")
async def statistics(query: Query) -> Statistics:
    return await show_statistics(query.pool, query.actor)


@router.post(
    "/history/import", response_model=HistoryImported, summary="Import a finished past (operator) 导入历史任务"
)
async def history(body: ImportHistory, command: CreatingCommand) -> Response:
    return command.answer(await import_history(command.pool, command.actor, body.batch, body.rows))


@router.post(
    "/assessments", status_code=201, response_model=AssessmentView, summary="Rank divisions for a period 考核排名"
)
async def assess(body: AssessDivisions, command: CreatingCommand) -> Response:
    return command.answer(
        await assess_divisions(
            command.pool,
            command.actor,
            body.division,
            body.level,
            period_from=body.period_from,
            period_to=body.period_to,
        )
    )


@router.get("/assessments/{assessment}", summary="An assessment: ranks, facts, explanations 考核结果")
async def assessment(assessment: AssessmentId, query: Query) -> AssessmentView:
    return await show_assessment(query.pool, query.actor, assessment)
