"""Commands and queries in, about the responsibility list: one route, one line to a use case."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi import Query as InQuery
from pydantic import Field

from qingdan.access_events import ListVersionTookEffect
from qingdan.ids import ItemCode, ListCode
from runtime.http import CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.diff_list_versions import diff_list_versions
from tasks.export_list import export_list
from tasks.import_list_version import import_list_version
from tasks.list_diff_rules import ListDiff
from tasks.list_file_rules import FileFormat
from tasks.list_list_versions import VersionView, list_list_versions
from tasks.list_rules import VILLAGE_LIST, Item, NegativeEntry
from tasks.publish_list_version import publish_list_version
from tasks.show_list import ItemView, ListView, show_item, show_list

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES: Final[Mapping[FileFormat, str]] = {"csv": CSV, "xlsx": XLSX}
_FILES: Final = {
    CSV: {"schema": {"type": "string"}},
    XLSX: {"schema": {"type": "string", "format": "binary"}},
}
VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]

router = APIRouter(prefix="/v1", tags=["tasks"])


class PublishListVersion(CommandModel):
    """A whole version of a list, what may never be asked included."""

    list_code: ListCode = VILLAGE_LIST
    effective_on: date
    items: list[Item] = Field(min_length=1, max_length=400)
    negative: list[NegativeEntry] = Field(default=[], max_length=100)


@router.post(
    "/list-versions",
    status_code=201,
    response_model=ListVersionTookEffect,
    summary="Put a version of a list in force (operator) 发布清单版本",
)
async def publish_list(body: PublishListVersion, command: CreatingCommand) -> Response:
    return command.answer(
        await publish_list_version(
            command.pool,
            command.actor,
            body.list_code,
            effective_on=body.effective_on,
            items=body.items,
            negative=body.negative,
        )
    )


@router.post(
    "/list-versions/import",
    status_code=201,
    response_model=ListVersionTookEffect,
    openapi_extra={"requestBody": {"required": True, "content": _FILES}},
    summary="Put a version of a list in force from a CSV or xlsx file (operator) 导入清单版本",
)
async def import_list(
    request: Request,
    command: CreatingCommand,
    effective_on: date,
    list_code: ListCode = VILLAGE_LIST,
    content_type: Annotated[str, Header(include_in_schema=False)] = CSV,
) -> Response:
    body, named = await request.body(), content_type.partition(";")[0].strip().lower()
    file_format: FileFormat = "xlsx" if named == XLSX else "csv"
    return command.answer(
        await import_list_version(command.pool, command.actor, list_code, effective_on, body, file_format)
    )


@router.get(
    "/list/export",
    response_class=Response,
    responses={200: {"content": _FILES}},
    summary="The list as it stood on a day, as a CSV or xlsx file 导出清单",
)
async def exported_list(
    query: Query,
    as_of: date | None = None,
    list_code: ListCode = VILLAGE_LIST,
    file_format: Annotated[FileFormat, InQuery(alias="format")] = "csv",
) -> Response:
    content = await export_list(query.pool, query.actor, list_code, as_of, file_format)
    named = {"Content-Disposition": f'attachment; filename="list-{list_code}.{file_format}"'}
    return Response(content, headers=named, media_type=MEDIA_TYPES[file_format])


@router.get("/list", summary="The list as it stood on a day 查询清单")
async def responsibility_list(query: Query, as_of: date | None = None, list_code: ListCode = VILLAGE_LIST) -> ListView:
    return await show_list(query.pool, query.actor, list_code, as_of)


@router.get("/list/versions", summary="The versions a list has had, newest first 清单历次版本")
async def versions(
    query: Query, list_code: ListCode = VILLAGE_LIST, after: Cursor = None, limit: PageLimit = 50
) -> Page[VersionView]:
    before = position_in(after, VersionNumber)
    return page_of(await list_list_versions(query.pool, query.actor, list_code, after=before, limit=limit), limit)


@router.get("/list/diff", summary="What changed between two versions 清单版本比较")
async def difference(
    query: Query,
    earlier: Annotated[VersionNumber, InQuery(alias="from")],
    later: Annotated[VersionNumber, InQuery(alias="to")],
    list_code: ListCode = VILLAGE_LIST,
) -> ListDiff:
    return await diff_list_versions(query.pool, query.actor, list_code, earlier, later)


@router.get("/list/items/{code}", summary="One item of the list 查询清单事项")
async def item(code: ItemCode, query: Query, as_of: date | None = None, list_code: ListCode = VILLAGE_LIST) -> ItemView:
    return await show_item(query.pool, query.actor, list_code, code, as_of)
