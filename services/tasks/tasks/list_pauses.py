"""Use case: when the clock of a share stood still, and whom its village waited for."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.ids import ShareId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import clock_store, share_store
from tasks.clock_rules import WaitingFor


class PauseView(BaseModel):
    """A pause; what is null has not ended yet."""

    waiting_for: WaitingFor
    note: str
    paused_on: date
    resumed_on: date | None
    resumed_note: str | None
    paused_working_days: int | None = Field(description="added to the due date")


async def list_pauses(pool: Pool, actor: Actor, share: ShareId) -> list[PauseView]:
    """The latest 200, oldest first. Raises NotFound, also for another village's share."""
    async with transaction(pool, actor) as tx:
        await share_store.find_share(tx, share)
        return [PauseView(**dict(row)) for row in await clock_store.list_pauses(tx, share)]
