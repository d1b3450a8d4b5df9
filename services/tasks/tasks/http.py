"""Commands and queries in: the nouns' edges, put together."""

from fastapi import APIRouter

from runtime.http import Query
from tasks import (
    access_http,
    appeal_http,
    assessment_http,
    burden_http,
    change_http,
    claim_http,
    clock_http,
    extension_http,
    handover_http,
    list_http,
    meeting_http,
    objection_http,
    refusal_http,
    share_http,
    task_http,
    today_http,
    works_http,
)
from tasks.show_statistics import Statistics, show_statistics

router = APIRouter(prefix="/v1", tags=["tasks"])
NOUNS = (
    access_http,
    *(list_http, meeting_http, task_http, share_http, claim_http),
    *(today_http, refusal_http, appeal_http, clock_http, assessment_http, change_http),
    *(works_http, extension_http, handover_http, burden_http, objection_http),
)
for noun in NOUNS:
    router.routes.extend(noun.router.routes)  # flat: a router within a router costs each request a second look-up


@router.get("/statistics", summary="Counts in one's scope 统计")
async def statistics(query: Query) -> Statistics:
    return await show_statistics(query.pool, query.actor)
