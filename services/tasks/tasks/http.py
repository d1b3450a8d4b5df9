"""Commands and queries in: the nouns' edges, put together."""

from fastapi import APIRouter

from runtime.http import Query
from tasks import assessment_http, list_http, meeting_http, refusal_http, share_http, task_http
from tasks.show_statistics import Statistics, show_statistics

router = APIRouter(prefix="/v1", tags=["tasks"])
for noun in (list_http, meeting_http, task_http, share_http, refusal_http, assessment_http):
    router.routes.extend(noun.router.routes)  # flat: a router within a router costs each request a second look-up


@router.get("/statistics", summary="Counts in one's scope 统计")
async def statistics(query: Query) -> Statistics:
    return await show_statistics(query.pool, query.actor)
