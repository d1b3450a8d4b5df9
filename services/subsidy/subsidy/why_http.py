"""Queries in, about why somebody is entitled or not, and who is entitled and does not receive."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Header, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from qingdan.subsidy_events import Period
from runtime.http import Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from runtime.problems import language_for
from subsidy.count_unclaimed import count_unclaimed
from subsidy.explain_entitlement import explain_entitlement
from subsidy.export_unclaimed import export_unclaimed
from subsidy.list_unclaimed import list_unclaimed
from subsidy.unclaimed_rules import Reason, UnclaimedCounts, UnclaimedView
from subsidy.why_view_rules import View, WhyView

HTML, TEXT, CSV = "text/html", "text/plain", "text/csv"

router = APIRouter(prefix="/v1", tags=["subsidy"])

# The page is words alone: it runs nothing and fetches nothing, whatever a browser would let it.
_WORDS_ALONE: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_NOT_KEPT: Final = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language"}


@router.get(
    "/why",
    response_model=WhyView,
    responses={200: {"content": {TEXT: {"schema": {"type": "string"}}, HTML: {"schema": {"type": "string"}}}}},
    summary="Why somebody is entitled or not, and what would change it 为什么享受或不享受",
)
async def why(
    query: Query,
    programme: ProgrammeCode,
    period: Period,
    person: UUID | None = None,
    household: UUID | None = None,
    view: View = "person",
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    accept_language: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    explained = await explain_entitlement(
        query.pool, query.actor, person=person, household=household, programme=programme, period=period, view=view
    )
    match accept.partition(",")[0].partition(";")[0].strip().lower():
        case "text/html":
            return HTMLResponse(explained.page(), headers={**_WORDS_ALONE, **_NOT_KEPT})
        case "text/plain":
            return PlainTextResponse(explained.text(language_for(accept_language)), headers=_NOT_KEPT)
        case _:
            return Response(explained.why.model_dump_json(), media_type="application/json", headers=_NOT_KEPT)


@router.get("/unclaimed", summary="Who is entitled and does not receive, and why 应享未享名单")
async def unclaimed(
    query: Query,
    *,
    run: RunId | None = None,
    division: DivisionCode | None = None,
    reason: Reason | None = None,
    programme: ProgrammeCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[UnclaimedView]:
    items = await list_unclaimed(
        query.pool,
        query.actor,
        run,
        division=division,
        reason=reason,
        programme=programme,
        after=position_in(after, tuple[str, UUID, str]),
        limit=limit,
    )
    return page_of(items, limit)


@router.get("/unclaimed/counts", summary="How many, by reason and by who owes what 应享未享统计")
async def unclaimed_counts(
    query: Query, run: RunId | None = None, division: DivisionCode | None = None
) -> UnclaimedCounts:
    return await count_unclaimed(query.pool, query.actor, run, division=division)


@router.get(
    "/unclaimed/export",
    response_class=Response,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
    summary="The list as a CSV file, by opaque ids 导出应享未享名单",
)
async def unclaimed_export(
    query: Query, run: RunId | None = None, division: DivisionCode | None = None, reason: Reason | None = None
) -> Response:
    content = await export_unclaimed(query.pool, query.actor, run, division=division, reason=reason)
    named = {"Content-Disposition": 'attachment; filename="unclaimed.csv"', **_NOT_KEPT}
    return Response(content, headers=named, media_type=CSV)
