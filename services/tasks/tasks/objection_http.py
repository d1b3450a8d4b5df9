"""Commands and queries in, about objections to a place: one route, one line to a use case."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from qingdan.assessment_events import Correction
from qingdan.divisions import DivisionCode
from qingdan.ids import AssessmentId, ShareId
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.decide_objection import ObjectionAnswered, decide_objection
from tasks.list_objections import ObjectionView, list_objections
from tasks.object_to_place import ObjectionMade, object_to_place
from tasks.objection_rules import SHARES_MAX, CountsAs, ObjectionId, ObjectionState
from tasks.show_objection import show_objection

router = APIRouter(prefix="/v1", tags=["tasks"])

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class ObjectToPlace(CommandModel):
    """Whose place, why it is wrong, and the shares that are meant, where some are."""

    division: DivisionCode
    reason: Reason
    shares: list[ShareId] = Field(default=[], max_length=SHARES_MAX)


class CorrectShare(CommandModel):
    """How a share counts from now on."""

    share: ShareId
    counts_as: CountsAs


class DecideObjection(CommandModel):
    """Whether the place stands, why, and if not how which shares count."""

    upheld: bool
    reason: Reason
    corrections: list[CorrectShare] = Field(default=[], max_length=SHARES_MAX)


@router.post(
    "/assessments/{assessment}/objections",
    status_code=201,
    response_model=ObjectionMade,
    summary="Object to one's own place, once (the ranked division) 对排名提出异议",
)
async def object_to(assessment: AssessmentId, body: ObjectToPlace, command: CreatingCommand) -> Response:
    return command.answer(
        await object_to_place(
            command.pool, command.actor, assessment, body.division, body.reason, frozenset(body.shares)
        )
    )


@router.post(
    "/objections/{objection}/decide",
    response_model=ObjectionAnswered,
    summary="Decide on an objection; who was right is ranked anew (whoever ranked) 对异议作出决定",
)
async def decide(objection: ObjectionId, body: DecideObjection, command: ChangingCommand) -> Response:
    corrections = [Correction(share=each.share, counts_as=each.counts_as) for each in body.corrections]
    return command.answer(
        await decide_objection(
            command.pool,
            command.actor,
            objection,
            body.upheld,
            body.reason,
            corrections,
            expected=command.expected,
        )
    )


@router.get("/objections", summary="Objections to places, those to be decided first at the top 异议列表")
async def objections(
    query: Query, state: ObjectionState | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[ObjectionView]:
    items = await list_objections(
        query.pool, query.actor, state=state, after=position_in(after, tuple[date, ObjectionId]), limit=limit
    )
    return page_of(items, limit)


@router.get("/objections/{objection}", summary="An objection to a place 异议详情")
async def shown(objection: ObjectionId, query: Query, response: Response) -> ObjectionView:
    view = await show_objection(query.pool, query.actor, objection)
    response.headers["ETag"] = f'"{view.version}"'
    return view
