"""Use case: how often each department was refused, and why."""

from typing import Literal

from pydantic import BaseModel

from qingdan.tasks_events import RefusalCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import refused_ask_store


class RefusedCount(BaseModel):
    """How many asks of a department were refused for one reason."""

    department: str
    code: RefusalCode
    decided_by: Literal["gate", "village"]
    asks: int


async def count_refused_asks(pool: Pool, actor: Actor) -> list[RefusedCount]:
    """All departments that were ever refused in the asker's scope, by code of department and reason."""
    async with transaction(pool, actor) as tx:
        return [RefusedCount(**dict(row)) for row in await refused_ask_store.count_by_department(tx)]
