"""Commands and queries in, about a village's shares: one route, one line to a use case."""

from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.tasks_events import (
    Photos,
    ShareClaimed,
    ShareCompleted,
    ShareProgressed,
    ShareRefused,
    ShareReportedDone,
    WorksFacts,
)
from runtime.db import Version
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from runtime.several import AT_ONCE_MAX, SeenVersion, each_once
from tasks.claim_rules import LIMIT_WORKING_DAYS_MAX
from tasks.claim_task import claim_task
from tasks.claim_tasks import SharesClaimed, claim_tasks
from tasks.list_shares import ShareView, list_shares
from tasks.refuse_share import refuse_share
from tasks.report_all_done import SharesDone, report_all_done
from tasks.report_done import report_done
from tasks.report_progress import report_progress
from tasks.share_rules import ShareState, VillageCode
from tasks.show_share import ReportedShare, show_share
from tasks.today_rules import PartName

router = APIRouter(prefix="/v1", tags=["tasks"])

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


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


class WorksSoFar(WorksFacts):
    """What public works took and saved so far, in all; what is not named stays as it was told. It counts nothing."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _tells_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise PydanticCustomError("works_empty", "Tell at least one of the totals, or leave `works` out.")
        return self


class ReportProgress(CommandModel):
    """How far the village is; photos are welcome and never required."""

    percent: int = Field(ge=0, le=100)
    note: Words = ""
    photo_sha256: Photos = ()
    works: WorksSoFar | None = None


class ReportDone(CommandModel):
    """The share is done; photos are welcome and never required."""

    photo_sha256: Photos = ()
    works: WorksSoFar | None = None


class DoneShare(SeenShare):
    """A share that is done, with its photos, and what works took and saved."""

    photo_sha256: Photos = ()
    works: WorksSoFar | None = None


class ReportShares(CommandModel):
    """Shares that are done."""

    shares: Annotated[list[DoneShare], Field(min_length=1, max_length=AT_ONCE_MAX), each_once("share")]


@router.get("/shares", summary="Shares: what is on a village's desk 任务份额列表")
async def shares(
    query: Query,
    *,
    state: ShareState | None = None,
    village: DivisionCode | None = None,
    task: TaskId | None = None,
    due_before: date | None = None,
    desk: PartName | None = None,
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
        desk=desk,
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
            works=body.works,
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
        await report_done(
            command.pool, command.actor, share, body.photo_sha256, works=body.works, expected=command.expected
        )
    )


@router.post(
    "/shares/report-done",
    response_model=SharesDone,
    summary="Report several shares as done: all or none 批量报告完成",
)
async def all_done(body: ReportShares, command: CreatingCommand) -> Response:
    expected = {seen.share: Version(seen.version) for seen in body.shares}
    photos = {seen.share: seen.photo_sha256 for seen in body.shares}
    works = {seen.share: seen.works for seen in body.shares if seen.works is not None}
    return command.answer(await report_all_done(command.pool, command.actor, expected, photos, works))
