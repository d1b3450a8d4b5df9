"""Queries in, about what could not be decided because facts are missing."""

from fastapi import APIRouter

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from runtime.http import Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.list_undetermined import list_undetermined
from subsidy.unclaimed_rules import UndeterminedView

router = APIRouter(prefix="/v1", tags=["subsidy"])


@router.get("/unclaimed/undetermined", summary="Which facts are missing, for how many, and who owes them 待补数据")
async def undetermined(
    query: Query,
    *,
    run: RunId | None = None,
    division: DivisionCode | None = None,
    programme: ProgrammeCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[UndeterminedView]:
    items = await list_undetermined(
        query.pool,
        query.actor,
        run,
        division=division,
        programme=programme,
        after=position_in(after, tuple[str, str]),
        limit=limit,
    )
    return page_of(items, limit)
