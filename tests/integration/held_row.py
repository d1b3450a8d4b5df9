"""A row that another transaction holds, so that commands meet where a test wants them to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from devkit.eventually import eventually
from runtime.actor import Actor
from runtime.db import Pool, transaction

# Who waits behind who waits counts too: the second in a row's queue waits for the first.
_WAITING = """
SELECT count(*) FROM pg_stat_activity a
WHERE a.datname = current_database() AND cardinality(pg_blocking_pids(a.pid)) > 0
"""


@dataclass(frozen=True, slots=True)
class HeldRow:
    """What somebody holds in the database of `pool`, and others wait for."""

    pool: Pool

    async def until_waited_for(self, *, by: int) -> None:
        """Until so many transactions of this database wait for others. Raises AssertionError after 10 s."""

        async def waited_for() -> bool:
            async with self.pool.connections.acquire() as connection:
                return bool(await connection.fetchval(_WAITING) == by)

        await eventually(waited_for, what=f"{by} transactions wait")


@asynccontextmanager
async def held_row(pool: Pool, actor: Actor, table: str, row_id: UUID) -> AsyncIterator[HeldRow]:
    """Lock the row of `table` as `actor`; let go of it at the end of the block."""
    async with transaction(pool, actor) as tx:
        assert await tx.fetchval(f"SELECT id FROM {table} WHERE id = $1 FOR UPDATE", row_id) == row_id
        yield HeldRow(pool)
