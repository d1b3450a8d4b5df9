"""Commands and queries in, about extensions: one route, one line to a use case."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from qingdan.ids import ShareId
from qingdan.tasks_events import ExtensionDecided
from runtime.http import ChangingCommand, CommandModel, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.ask_extension import ExtensionOpened, ask_extension
from tasks.claim_rules import LIMIT_WORKING_DAYS_MAX
from tasks.decide_extension import decide_extension
from tasks.extension_rules import ExtensionId, ExtensionState
from tasks.list_extensions import ExtensionView, list_extensions
from tasks.show_extension import show_extension

router = APIRouter(prefix="/v1", tags=["tasks"])

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class AskExtension(CommandModel):
    """The limit that the village asks for, counted from the day of its claim, and why."""

    limit_working_days: int = Field(ge=1, le=LIMIT_WORKING_DAYS_MAX)
    reason: Reason


class DecideExtension(CommandModel):
    """Whether the share is due later, and why."""

    granted: bool
    reason: Reason


@router.post(
    "/shares/{share}/extension",
    response_model=ExtensionOpened,
    status_code=201,
    summary="Ask that one's share be due later; silence is consent 申请延期",
)
async def ask(share: ShareId, body: AskExtension, command: ChangingCommand) -> Response:
    return command.answer(
        await ask_extension(
            command.pool, command.actor, share, body.limit_working_days, body.reason, expected=command.expected
        )
    )


@router.post(
    "/extensions/{extension}/decide",
    response_model=ExtensionDecided,
    summary="Grant an extension or not (department or township) 决定延期",
)
async def decide(extension: ExtensionId, body: DecideExtension, command: ChangingCommand) -> Response:
    return command.answer(
        await decide_extension(
            command.pool, command.actor, extension, body.granted, body.reason, expected=command.expected
        )
    )


@router.get("/extensions", summary="Extensions, those to be decided first at the top 延期申请列表")
async def extensions(
    query: Query,
    *,
    state: ExtensionState | None = None,
    share: ShareId | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[ExtensionView]:
    items = await list_extensions(
        query.pool,
        query.actor,
        state=state,
        share=share,
        after=position_in(after, tuple[date, ExtensionId]),
        limit=limit,
    )
    return page_of(items, limit)


@router.get("/extensions/{extension}", summary="An extension 延期申请详情")
async def shown(extension: ExtensionId, query: Query, response: Response) -> ExtensionView:
    view = await show_extension(query.pool, query.actor, extension)
    response.headers["ETag"] = f'"{view.version}"'
    return view
