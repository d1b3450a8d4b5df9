"""Use case: the versions that a list has had."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from qingdan.ids import ListCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import list_store


class VersionView(BaseModel):
    """One version of a list, without its rows."""

    list_code: ListCode
    version: int
    effective_on: date
    published_at: datetime
    items: int = Field(description="how many")
    negative: int = Field(description="how many entries of what may never be asked")

    @property
    def position(self) -> int:
        """Its place in the list, where the next page begins."""
        return self.version


async def list_list_versions(
    pool: Pool, actor: Actor, list_code: ListCode, *, after: int | None, limit: int
) -> list[VersionView]:
    """At most `limit` versions, the newest first, before the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await list_store.list_versions(tx, list_code, after=after, limit=limit)
    return [VersionView(**dict(row)) for row in rows]
