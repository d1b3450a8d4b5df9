"""Use case: the work meetings in the asker's scope."""

import json
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import MeetingId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import meeting_store
from tasks.hold_meeting import AgendaPoint


class HeldMeeting(BaseModel):
    """A work meeting and how far its record is."""

    meeting: MeetingId
    division: DivisionCode
    held_on: date
    title: str
    agenda: list[AgendaPoint]
    state: Literal["open", "closed"]
    closed_on: date | None
    invited: int | None = Field(description="villages; null to a village, which sees its own part alone")
    attended: int | None
    version: int | None = Field(description="of the township's record; null to a village")

    @property
    def position(self) -> MeetingId:
        """Its place in the list, where the next page begins."""
        return self.meeting


async def list_meetings(pool: Pool, actor: Actor, *, after: MeetingId | None, limit: int) -> list[HeldMeeting]:
    """At most `limit` meetings, by id, after the last one seen; to a village those it is invited to."""
    async with transaction(pool, actor) as tx:
        rows = await meeting_store.list_meetings(tx, invited=is_village(actor), after=after, limit=limit)
    return [HeldMeeting(**as_shown(dict(row))) for row in rows]


def is_village(actor: Actor) -> bool:
    """Whether the actor sees their village's part of meetings and not the township's record."""
    return actor.division.level is DivisionLevel.VILLAGE


def as_shown(row: dict[str, Any]) -> dict[str, Any]:
    """A stored meeting with its agenda read and its state named."""
    return row | {"agenda": json.loads(row["agenda"]), "state": "closed" if row["closed_on"] else "open"}
