"""Queries in, about what happens: a stream that goes on behind whatever its reader has seen."""

from fastapi import APIRouter

from runtime.change_stream import STREAM, ChangeResponse, Changes
from tasks.follow_changes import follow_changes

router = APIRouter(prefix="/v1", tags=["tasks"])


@router.get(
    "/changes",
    status_code=200,  # FastAPI reads it off the signature of any other response
    response_class=ChangeResponse,
    responses=STREAM,
    summary="What happens in one's division, as server-sent events 变更数据流",
)
async def changes(asked: Changes) -> ChangeResponse:
    return await follow_changes(asked)
