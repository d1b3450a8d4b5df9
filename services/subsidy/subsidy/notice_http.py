"""Queries in, about public notices on paper."""

from typing import Final, cast

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from runtime.http import Query
from subsidy.notice_page_rules import POLICY
from subsidy.print_notice import print_notice
from subsidy.settings import Settings

router = APIRouter(prefix="/v1", tags=["notice"])

_PAPER_ALONE: Final = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}


@router.get(
    "/runs/{run}/notice.html",
    response_class=HTMLResponse,
    summary="The notice to be printed and put up, a village after the other 打印公示名单",
)
async def printed_notice(
    run: RunId,
    query: Query,
    request: Request,
    *,
    programme: ProgrammeCode | None = None,
    division: DivisionCode | None = None,
) -> HTMLResponse:
    settings = cast(Settings, request.app.state.running.settings)
    document = await print_notice(
        query.pool, query.actor, run, settings.service_key_file, programme=programme, division=division
    )
    return HTMLResponse(document, headers=_PAPER_ALONE)
