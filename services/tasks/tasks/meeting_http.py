"""Commands and queries in, about work meetings: one route, one line to a use case."""

from datetime import date

from fastapi import APIRouter, Response

from qingdan.divisions import DivisionCode
from qingdan.ids import Title
from runtime.http import CommandModel, CreatingCommand
from tasks.hold_meeting import MeetingView, hold_meeting

router = APIRouter(prefix="/v1", tags=["tasks"])


class HoldMeeting(CommandModel):
    """Where and when the work meeting is held."""

    division: DivisionCode
    held_on: date
    title: Title


@router.post("/meetings", status_code=201, response_model=MeetingView, summary="Hold a work meeting 召开工作部署会")
async def meet(body: HoldMeeting, command: CreatingCommand) -> Response:
    return command.answer(await hold_meeting(command.pool, command.actor, body.division, body.held_on, body.title))
