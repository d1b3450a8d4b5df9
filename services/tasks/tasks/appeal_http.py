"""Commands and queries in, about appeals against a village's no: one route, one line to a use case."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from qingdan.ids import AskId
from qingdan.tasks_events import RefusalAppealed, RefusalDecided
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.appeal_refusal import appeal_refusal
from tasks.appeal_rules import AppealState
from tasks.decide_appeal import decide_appeal
from tasks.list_appeals import AppealView, list_appeals
from tasks.show_appeal import show_appeal

router = APIRouter(prefix="/v1", tags=["tasks"])

Reasons = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class AppealRefusal(CommandModel):
    """Why the department holds that the village must do it."""

    reasons: Reasons


class DecideAppeal(CommandModel):
    """Whether the village's no stands, and why."""

    upheld: bool
    reason: Reasons


@router.post(
    "/asks/{ask}/appeal",
    response_model=RefusalAppealed,
    status_code=201,
    summary="Appeal against a village's no, once (department) 对村的拒绝提出申诉",
)
async def appeal(ask: AskId, body: AppealRefusal, command: CreatingCommand) -> Response:
    return command.answer(await appeal_refusal(command.pool, command.actor, ask, body.reasons))


@router.post(
    "/asks/{ask}/decision",
    response_model=RefusalDecided,
    summary="Decide on an appeal, for good (county) 对申诉作出最终决定",
)
async def decide(ask: AskId, body: DecideAppeal, command: ChangingCommand) -> Response:
    return command.answer(
        await decide_appeal(command.pool, command.actor, ask, body.upheld, body.reason, expected=command.expected)
    )


@router.get("/asks/refused/appeals", summary="Appeals, those to be decided first at the top 申诉列表")
async def appeals(
    query: Query, state: AppealState | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[AppealView]:
    items = await list_appeals(
        query.pool, query.actor, state=state, after=position_in(after, tuple[date, AskId]), limit=limit
    )
    return page_of(items, limit)


@router.get("/asks/{ask}/appeal", summary="The appeal against a no 申诉详情")
async def shown(ask: AskId, query: Query, response: Response) -> AppealView:
    view = await show_appeal(query.pool, query.actor, ask)
    response.headers["ETag"] = f'"{view.version}"'
    return view
