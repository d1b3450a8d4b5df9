"""Use case: accounts that several people name: a guardian's, or something for somebody to look into."""

from typing import Annotated

from pydantic import BaseModel, Field

from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from subsidy import account_list_store

SharedMark = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SharedAccountView(BaseModel):
    """An account by its keyed hash, which nobody can try numbers against."""

    mark: SharedMark
    people: int = Field(description="in the asker's scope who are paid to it, or would be")

    @property
    def position(self) -> str:
        """Its place in the list, where the next page begins."""
        return self.mark


async def list_shared_accounts(
    pool: Pool, actor: Actor, *, people_min: int, after: SharedMark | None, limit: int
) -> list[SharedAccountView]:
    """At most `limit` that so many people name at least, by mark, after the last one seen. Raises Forbidden."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.AUDITOR)
    async with transaction(pool, actor) as tx:
        begin = None if after is None else bytes.fromhex(after)
        rows = await account_list_store.list_shared(tx, people_min=people_min, after=begin, limit=limit)
    return [SharedAccountView(**dict(row)) for row in rows]
