"""Commands and queries in: one route, one line to a use case."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from inspection.answer_difficulty import answer_difficulty
from inspection.difficulty_rules import AnswerOutcome, DifficultyState
from inspection.finding_rules import FINDINGS_PER_VISIT_MAX, FindingState, Found, Words
from inspection.finish_visit import finish_visit
from inspection.finish_visits import VisitsDone, finish_visits
from inspection.list_difficulties import DifficultyPosition, DifficultyView, list_difficulties
from inspection.list_findings import FindingPosition, FindingView, list_findings
from inspection.list_shares import SharePosition, ShareView, list_shares
from inspection.list_visits import VisitPosition, VisitView, list_visits
from inspection.plan_visit import plan_visit
from inspection.raise_difficulty import raise_difficulty
from inspection.recheck_finding import recheck_finding
from inspection.rectify_finding import rectify_finding
from inspection.show_share import ReportedShare, show_share
from inspection.show_statistics import Statistics, show_statistics
from inspection.show_visit import VisitHistory, show_visit
from inspection.visit_rules import ShareState, VisitState
from qingdan.ids import DifficultyId, FindingId, OpenCode, ShareId, VisitId
from qingdan.inspection_events import (
    DifficultyAnswered,
    DifficultyRaised,
    FindingRectified,
    RecheckFailed,
    RecheckPassed,
    VisitDone,
    VisitPlanned,
)
from qingdan.tasks_events import Photos
from runtime.db import Version
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from runtime.several import AT_ONCE_MAX, SeenVersion, each_once

router = APIRouter(prefix="/v1", tags=["inspection"])


class PlanVisit(CommandModel):
    """Which share to look at, and when."""

    share: ShareId
    planned_on: date


class FinishVisit(CommandModel):
    """What was found on the spot; nothing is an answer too."""

    done_on: date
    findings: list[Found] = Field(default=[], max_length=FINDINGS_PER_VISIT_MAX)


class DoneVisit(CommandModel):
    """A visit as last read, and what was found there; nothing is an answer too."""

    visit: VisitId
    version: SeenVersion
    findings: list[Found] = Field(default=[], max_length=FINDINGS_PER_VISIT_MAX)


class FinishVisits(CommandModel):
    """A round of the team on one day."""

    done_on: date
    visits: Annotated[list[DoneVisit], Field(min_length=1, max_length=AT_ONCE_MAX), each_once("visit")]


class RectifyFinding(CommandModel):
    """What the village did; photos are welcome and never required."""

    note: Words
    photo_sha256: Photos = ()


class RecheckFinding(CommandModel):
    """What the team saw when it checked again."""

    passed: bool
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""


class RaiseDifficulty(CommandModel):
    """What the village cannot solve alone."""

    category: OpenCode
    text: Words
    share: ShareId | None = None


class AnswerDifficulty(CommandModel):
    """The answer; who forwards says to whom."""

    outcome: AnswerOutcome
    text: Words


@router.post("/visits", status_code=201, response_model=VisitPlanned, summary="Plan a visit from a report 安排检查")
async def plan(body: PlanVisit, command: CreatingCommand) -> Response:
    return command.answer(await plan_visit(command.pool, command.actor, body.share, body.planned_on))


@router.post("/visits/{visit}/done", response_model=VisitDone, summary="Say what was found on the spot 记录检查结果")
async def done(visit: VisitId, body: FinishVisit, command: ChangingCommand) -> Response:
    return command.answer(
        await finish_visit(command.pool, command.actor, visit, body.done_on, body.findings, expected=command.expected)
    )


@router.post(
    "/visits/done",
    response_model=VisitsDone,
    summary="Say what a round of visits found: all or none 批量记录检查结果",
)
async def all_done(body: FinishVisits, command: CreatingCommand) -> Response:
    expected = {seen.visit: Version(seen.version) for seen in body.visits}
    found = {seen.visit: seen.findings for seen in body.visits}
    return command.answer(await finish_visits(command.pool, command.actor, expected, body.done_on, found))


@router.post(
    "/findings/{finding}/rectify", response_model=FindingRectified, summary="Report a finding as rectified 报告整改"
)
async def rectify(finding: FindingId, body: RectifyFinding, command: ChangingCommand) -> Response:
    return command.answer(
        await rectify_finding(
            command.pool, command.actor, finding, body.note, body.photo_sha256, expected=command.expected
        )
    )


@router.post(
    "/findings/{finding}/recheck",
    response_model=RecheckPassed | RecheckFailed,
    summary="Check a rectified finding again 复查",
)
async def recheck(finding: FindingId, body: RecheckFinding, command: ChangingCommand) -> Response:
    return command.answer(
        await recheck_finding(
            command.pool, command.actor, finding, body.note, passed=body.passed, expected=command.expected
        )
    )


@router.post("/difficulties", status_code=201, response_model=DifficultyRaised, summary="Raise a difficulty 反映困难")
async def raise_(body: RaiseDifficulty, command: CreatingCommand) -> Response:
    return command.answer(await raise_difficulty(command.pool, command.actor, body.category, body.text, body.share))


@router.post(
    "/difficulties/{difficulty}/answer", response_model=DifficultyAnswered, summary="Answer a difficulty 答复困难"
)
async def answer(difficulty: DifficultyId, body: AnswerDifficulty, command: ChangingCommand) -> Response:
    return command.answer(
        await answer_difficulty(
            command.pool, command.actor, difficulty, body.outcome, body.text, expected=command.expected
        )
    )


@router.get("/visits", summary="Visits by the day they are planned for 检查列表")
async def visits(
    query: Query,
    state: VisitState | None = None,
    share: ShareId | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[VisitView]:
    items = await list_visits(
        query.pool, query.actor, state=state, share=share, after=position_in(after, VisitPosition), limit=limit
    )
    return page_of(items, limit)


@router.get("/visits/{visit}", summary="A visit with findings and re-checks 检查详情")
async def visit(visit: VisitId, query: Query, response: Response) -> VisitHistory:
    view = await show_visit(query.pool, query.actor, visit)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.get("/findings", summary="Findings, oldest first 问题列表")
async def findings(
    query: Query,
    state: FindingState | None = None,
    visit: VisitId | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[FindingView]:
    items = await list_findings(
        query.pool, query.actor, state=state, visit=visit, after=position_in(after, FindingPosition), limit=limit
    )
    return page_of(items, limit)


@router.get("/difficulties", summary="Difficulties: who waits longest comes first 困难列表")
async def difficulties(
    query: Query, state: DifficultyState | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[DifficultyView]:
    items = await list_difficulties(
        query.pool, query.actor, state=state, after=position_in(after, DifficultyPosition), limit=limit
    )
    return page_of(items, limit)


@router.get("/shares", summary="The shares that this service has heard of 任务份额列表")
async def shares(
    query: Query, state: ShareState | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[ShareView]:
    items = await list_shares(
        query.pool, query.actor, state=state, after=position_in(after, SharePosition), limit=limit
    )
    return page_of(items, limit)


@router.get("/shares/{share}", summary="What is known of a share, with its reports 任务份额详情")
async def share(share: ShareId, query: Query, response: Response) -> ReportedShare:
    view = await show_share(query.pool, query.actor, share)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.get("/statistics", summary="Counts in your scope 统计")
async def statistics(query: Query) -> Statistics:
    return await show_statistics(query.pool, query.actor)
