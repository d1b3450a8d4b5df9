"""Commands and queries in, about the past and the assessment: one route, one line to a use case."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from qingdan.divisions import DivisionCode
from qingdan.ids import AssessmentId
from runtime.http import CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.assess_divisions import assess_divisions
from tasks.history_rules import ROWS_MAX, FinishedShare
from tasks.import_history import HistoryImported, import_history
from tasks.list_assessments import AssessmentSummary, list_assessments
from tasks.show_assessment import AssessmentView, show_assessment

router = APIRouter(prefix="/v1", tags=["tasks"])


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


@router.get("/assessments", summary="Assessments, the newest first 考核列表")
async def assessments(query: Query, after: Cursor = None, limit: PageLimit = 50) -> Page[AssessmentSummary]:
    items = await list_assessments(query.pool, query.actor, after=position_in(after, AssessmentId), limit=limit)
    return page_of(items, limit)


@router.get("/assessments/{assessment}", summary="An assessment: ranks, facts, explanations 考核结果")
async def assessment(assessment: AssessmentId, query: Query) -> AssessmentView:
    return await show_assessment(query.pool, query.actor, assessment)
