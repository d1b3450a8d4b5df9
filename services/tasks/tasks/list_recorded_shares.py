"""Use case: what lay on a desk when it was handed over."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.ids import ShareId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import handover_store
from tasks.handover_rules import HandOverId
from tasks.share_rules import ShareState


class RecordedShare(BaseModel):
    """A share as it stood at that moment; it may have gone on since."""

    share: ShareId
    department: str
    title_zh: str
    title_en: str
    state: ShareState
    limit_working_days: int | None
    due_on: date | None
    provisional: bool | None
    percent: int
    waiting_for: str | None = Field(description="who held the ball")
    paused_on: date | None
    extension_limit_working_days: int | None = Field(description="of the extension that waited for its decision")
    extension_decide_by: date | None
    appeal_decide_by: date | None = Field(description="until when the county decides on the village's no")
    note: str

    @property
    def position(self) -> ShareId:
        """Its place in the list, where the next page begins."""
        return self.share


async def list_recorded_shares(
    pool: Pool, actor: Actor, hand_over: HandOverId, *, after: ShareId | None = None, limit: int
) -> list[RecordedShare]:
    """At most `limit`, by share, after the last one seen. Raises NotFound, also for another village's hand-over."""
    async with transaction(pool, actor) as tx:
        await handover_store.find_handover(tx, hand_over)
        rows = await handover_store.list_recorded_shares(tx, hand_over, after=after, limit=limit)
    return [RecordedShare(**dict(row)) for row in rows]
