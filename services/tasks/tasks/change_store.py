"""Every SQL statement that only the stream of changes needs."""

from collections.abc import Collection
from uuid import UUID

from runtime.db import Tx


async def departments_of(tx: Tx, tasks: Collection[UUID]) -> dict[UUID, str]:
    """The departments of these tasks, by task."""
    rows = await tx.fetch("SELECT id, department FROM task WHERE id = ANY($1::uuid[])", list(tasks))
    return {row["id"]: row["department"] for row in rows}
