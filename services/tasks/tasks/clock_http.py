"""Commands and queries in, about the clocks of shares: one route, one line to a use case."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from qingdan.ids import ShareId
from qingdan.tasks_events import SharePaused, ShareResumed
from runtime.http import ChangingCommand, CommandModel, Query
from tasks.clock_rules import WaitingFor
from tasks.list_pauses import PauseView, list_pauses
from tasks.pause_share import pause_share
from tasks.resume_share import resume_share

router = APIRouter(prefix="/v1", tags=["tasks"])

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")]


class PauseShare(CommandModel):
    """Whom or what the village waits for."""

    waiting_for: WaitingFor
    note: Note = ""


class ResumeShare(CommandModel):
    """What there is to say about it: a department that objects says why."""

    note: Note = ""


@router.post("/shares/{share}/pause", response_model=SharePaused, summary="Wait for somebody: the clock stops 暂停计时")
async def pause(share: ShareId, body: PauseShare, command: ChangingCommand) -> Response:
    return command.answer(
        await pause_share(command.pool, command.actor, share, body.waiting_for, body.note, expected=command.expected)
    )


@router.post("/shares/{share}/resume", response_model=ShareResumed, summary="The clock runs again 恢复计时")
async def resume(share: ShareId, body: ResumeShare, command: ChangingCommand) -> Response:
    return command.answer(await resume_share(command.pool, command.actor, share, body.note, expected=command.expected))


@router.get("/shares/{share}/pauses", summary="When a share's clock stood still, and for whom 暂停记录")
async def pauses(share: ShareId, query: Query) -> list[PauseView]:
    return await list_pauses(query.pool, query.actor, share)
