"""Queries in, about what a run comes to before it is frozen: by place, beside the runs before, and what looks odd."""

from uuid import UUID

from fastapi import APIRouter

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from runtime.http import Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.compare_run import RunCompared, compare_run
from subsidy.comparison_rules import AnomalyKind, ChangeKind
from subsidy.list_anomalies import AnomalyView, list_anomalies
from subsidy.list_changes import ChangeView, list_changes
from subsidy.show_breakdown import PlaceCount, show_breakdown

router = APIRouter(prefix="/v1", tags=["review"])


@router.get("/runs/{run}/comparison", summary="A run beside the runs before, and what looks odd in it 与上期比较")
async def comparison(run: RunId, query: Query) -> RunCompared:
    return await compare_run(query.pool, query.actor, run)


@router.get("/runs/{run}/breakdown", summary="By programme and township, or a township's villages 分乡镇汇总")
async def breakdown(
    run: RunId, query: Query, township: DivisionCode | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[PlaceCount]:
    items = await show_breakdown(
        query.pool, query.actor, run, township=township, after=position_in(after, tuple[str, str]), limit=limit
    )
    return page_of(items, limit)


@router.get("/runs/{run}/changes", summary="Who is new, stops, or comes to another amount, and why 新增停发变动")
async def changes(
    run: RunId,
    query: Query,
    *,
    programme: ProgrammeCode | None = None,
    kind: ChangeKind | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[ChangeView]:
    items = await list_changes(
        query.pool,
        query.actor,
        run,
        programme=programme,
        kind=kind,
        after=position_in(after, tuple[str, UUID]),
        limit=limit,
    )
    return page_of(items, limit)


@router.get("/runs/{run}/anomalies/{kind}", summary="Items that look odd in one way 异常明细")
async def anomalies(
    run: RunId,
    kind: AnomalyKind,
    query: Query,
    *,
    programme: ProgrammeCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[AnomalyView]:
    items = await list_anomalies(
        query.pool,
        query.actor,
        run,
        kind,
        programme=programme,
        after=position_in(after, tuple[str, UUID]),
        limit=limit,
    )
    return page_of(items, limit)
