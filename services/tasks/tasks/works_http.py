"""Queries in, about what public works took and saved: one route, one line to a use case."""

from fastapi import APIRouter

from qingdan.divisions import DivisionCode
from qingdan.ids import ItemCode
from runtime.http import Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.list_works import Level, WorksSum, list_works

router = APIRouter(prefix="/v1", tags=["tasks"])


@router.get("/works", summary="What works took and saved, by township (or village) and item 工程实效汇总")
async def works(
    query: Query,
    *,
    level: Level = "township",
    item: ItemCode | None = None,
    division: DivisionCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[WorksSum]:
    items = await list_works(
        query.pool,
        query.actor,
        level=level,
        item=item,
        division=division,
        after=position_in(after, tuple[DivisionCode, str]),
        limit=limit,
    )
    return page_of(items, limit)
