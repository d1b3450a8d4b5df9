"""Commands and queries in, about claims and the limits of villages: one route, one line to a use case."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import Field, StringConstraints

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareLimitChanged
from runtime.http import ChangingCommand, CommandModel, Query
from tasks.change_limit import change_limit
from tasks.claim_rules import LIMIT_WORKING_DAYS_MAX
from tasks.print_claim import print_claim
from tasks.show_hints import Hints, show_hints

router = APIRouter(prefix="/v1", tags=["tasks"])

# The page is words alone: it runs nothing and fetches nothing, whatever a browser would let it.
_WORDS_ALONE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class ChangeLimit(CommandModel):
    """The limit that the village sets itself now, counted from the day of its claim, and why."""

    limit_working_days: int = Field(ge=1, le=LIMIT_WORKING_DAYS_MAX)
    reason: Reason


@router.post(
    "/shares/{share}/limit",
    response_model=ShareLimitChanged,
    summary="Change one's own limit, with the reason 变更时限",
)
async def limit(share: ShareId, body: ChangeLimit, command: ChangingCommand) -> Response:
    return command.answer(
        await change_limit(
            command.pool, command.actor, share, body.limit_working_days, body.reason, expected=command.expected
        )
    )


@router.get(
    "/shares/{share}/hints", summary="Before the claim: how long such tasks took, and one's own desk 认领前参考"
)
async def hints(share: ShareId, query: Query) -> Hints:
    return await show_hints(query.pool, query.actor, share)


@router.get(
    "/shares/{share}/record", response_class=HTMLResponse, summary="The claim on one page, to be printed 打印认领记录"
)
async def record(share: ShareId, query: Query) -> HTMLResponse:
    return HTMLResponse(await print_claim(query.pool, query.actor, share), headers=_WORDS_ALONE)
