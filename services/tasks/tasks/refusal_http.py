"""Commands and queries in, about refused and merged asks: one route, one line to a use case."""

from fastapi import APIRouter

from qingdan.ids import AskId, DepartmentCode
from qingdan.tasks_events import RefusalCode
from runtime.http import Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.count_merged_asks import MergedCount, count_merged_asks
from tasks.count_refused_asks import RefusedCount, count_refused_asks
from tasks.list_merged_asks import MergedAskView, list_merged_asks
from tasks.list_refused_asks import RefusedAskView, list_refused_asks

router = APIRouter(prefix="/v1", tags=["tasks"])


@router.get("/asks/refused", summary="Refused asks, with their reasons 被拒事项")
async def refused_asks(
    query: Query,
    department: DepartmentCode | None = None,
    code: RefusalCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[RefusedAskView]:
    items = await list_refused_asks(
        query.pool, query.actor, department=department, code=code, after=position_in(after, AskId), limit=limit
    )
    return page_of(items, limit)


@router.get("/asks/refused/counts", summary="Refused asks by department and reason 被拒事项统计")
async def refused_counts(query: Query) -> list[RefusedCount]:
    return await count_refused_asks(query.pool, query.actor)


@router.get("/asks/merged", summary="Asks that an earlier task answers 并入在前任务的事项")
async def merged_asks(
    query: Query, department: DepartmentCode | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[MergedAskView]:
    items = await list_merged_asks(
        query.pool, query.actor, department=department, after=position_in(after, AskId), limit=limit
    )
    return page_of(items, limit)


@router.get("/asks/merged/counts", summary="Merged asks by department 并入事项统计")
async def merged_counts(query: Query) -> list[MergedCount]:
    return await count_merged_asks(query.pool, query.actor)
