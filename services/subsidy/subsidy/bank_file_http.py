"""Commands and queries in, about files for banks that take files instead of events, and what comes back in files."""

from collections.abc import Mapping
from typing import Annotated, Final, cast

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode, RunId
from runtime.actor import service_actor
from runtime.http import ChangingCommand, CommandModel, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.bank_file_rules import PAYMENTS_MAX, BankFileId
from subsidy.bank_profile_rules import BankProfile, FileFormat
from subsidy.list_bank_files import FileView, list_bank_files
from subsidy.list_bank_profiles import ProfilesView, list_bank_profiles
from subsidy.order_bank_file import FileOrdered, order_bank_file
from subsidy.read_bank_file import read_bank_file
from subsidy.set_bank_profile import ProfileView, set_bank_profile
from subsidy.settings import Settings
from subsidy.show_bank_file import CountedFile, show_bank_file
from subsidy.take_bank_results import ResultsTaken, take_bank_results

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XML: Final = "application/xml"
MEDIA_TYPES: Final[Mapping[FileFormat, str]] = {"pain.001": XML, "csv": CSV, "xlsx": XLSX}

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(prefix="/v1", tags=["bank files"])


class OrderBankFile(CommandModel):
    """For which bank, and of how many payments at most: some banks take no more rows than that in a file."""

    bank: BankCode
    payments_max: Annotated[int, Field(ge=1, le=PAYMENTS_MAX)] | None = None


@router.get("/bank-profiles", summary="By which channel banks are paid, and how their files look 银行文件模板")
async def profiles(query: Query) -> ProfilesView:
    return await list_bank_profiles(query.pool, query.actor)


@router.put(
    "/bank-profiles/{division}/{bank}",
    response_model=ProfileView,
    summary="Say how a county's bank is paid (operator; version 0 for a new one) 设定银行文件模板",
)
async def set_profile(division: DivisionCode, bank: BankCode, body: BankProfile, command: ChangingCommand) -> Response:
    return command.answer(
        await set_bank_profile(command.pool, command.actor, division, bank, body, expected=command.expected)
    )


@router.post(
    "/runs/{run}/bank-files",
    status_code=201,
    response_model=FileOrdered,
    summary="Have a file made of what the run still has to pay (finance preparer) 生成代发文件",
)
async def order(run: RunId, body: OrderBankFile, command: ChangingCommand) -> Response:
    return command.answer(
        await order_bank_file(
            command.pool,
            command.actor,
            run,
            body.bank,
            payments_max=body.payments_max,
            expected=command.expected,
        )
    )


@router.get("/bank-files", summary="Files for banks 代发文件列表")
async def files(query: Query, run: RunId | None = None, after: Cursor = None, limit: PageLimit = 50) -> Page[FileView]:
    items = await list_bank_files(query.pool, query.actor, run=run, after=position_in(after, BankFileId), limit=limit)
    return page_of(items, limit)


@router.get("/bank-files/{file}", summary="A file, and how far its payments have come 代发文件详情")
async def file(file: BankFileId, query: Query, response: Response) -> CountedFile:
    view = await show_bank_file(query.pool, query.actor, file)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.get(
    "/bank-files/{file}/content",
    response_class=StreamingResponse,
    responses={200: {"content": dict.fromkeys(MEDIA_TYPES.values(), _BYTES)}},
    summary="The file itself, with names and accounts (finance); its reading is audited 下载代发文件",
)
async def content(file: BankFileId, query: Query, request: Request) -> StreamingResponse:
    settings = cast(Settings, request.app.state.running.settings)
    service = service_actor(request.app.state.service_name)
    read = await read_bank_file(query.pool, query.actor, service, file, settings.service_key_file)
    headers = {
        "Content-Disposition": f'attachment; filename="{read.file.file_name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(read.pieces, headers=headers, media_type=MEDIA_TYPES[read.file.profile.format])


@router.post(
    "/bank-files/{file}/results",
    response_model=ResultsTaken,
    openapi_extra={"requestBody": {"required": True, "content": {CSV: _BYTES, XLSX: _BYTES}}},
    summary="Take in what became of the file's payments, as CSV or xlsx (finance preparer) 导入回盘文件",
)
async def results(
    file: BankFileId,
    request: Request,
    command: ChangingCommand,
    content_type: Annotated[str, Header(include_in_schema=False)] = CSV,
) -> Response:
    body, named = await request.body(), content_type.partition(";")[0].strip().lower()
    return command.answer(
        await take_bank_results(
            command.pool, command.actor, file, body, as_workbook=named == XLSX, expected=command.expected
        )
    )
