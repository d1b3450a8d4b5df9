"""Commands and queries in, about the responsibility list: one route, one line to a use case."""

from datetime import date

from fastapi import APIRouter, Response
from pydantic import Field

from qingdan.access_events import ListVersionTookEffect
from qingdan.ids import ItemCode, ListCode
from runtime.http import CommandModel, CreatingCommand, Query
from tasks.list_rules import VILLAGE_LIST, Item, NegativeEntry
from tasks.publish_list_version import publish_list_version
from tasks.show_list import ItemView, ListView, show_item, show_list

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


@router.get("/list", summary="The list as it stood on a day 查询清单")
async def responsibility_list(query: Query, as_of: date | None = None, list_code: ListCode = VILLAGE_LIST) -> ListView:
    return await show_list(query.pool, query.actor, list_code, as_of)


@router.get("/list/items/{code}", summary="One item of the list 查询清单事项")
async def item(code: ItemCode, query: Query, as_of: date | None = None, list_code: ListCode = VILLAGE_LIST) -> ItemView:
    return await show_item(query.pool, query.actor, list_code, code, as_of)
