"""Rows in bulk, out of the database and into it, in PostgreSQL's binary COPY format (`runtime.bulk_rows`)."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import numpy as np

from runtime.bulk_rows import SIGNATURE, TRAILER, Rows
from runtime.db import Tx


async def read_rows(tx: Tx, query: str, *args: Any, kind: np.dtype[Any], timeout_s: float) -> Rows:
    """What a query gives, under the actor's scope. No field may be NULL. Raises RowsUnlike, asyncpg.PostgresError."""
    rows = Rows(kind)

    async def take(data: bytes) -> None:
        rows.take(data)

    await tx.connection.copy_from_query(query, *args, output=take, format="binary", timeout=timeout_s)
    return rows.finish()


async def write_rows(tx: Tx, temporary_table: str, blocks: Iterable[bytes], *, timeout_s: float) -> None:
    """Fill a temporary table: COPY does not write under row-level security, and a temporary table is ours alone."""
    await tx.connection.copy_to_table(temporary_table, source=_framed(blocks), format="binary", timeout=timeout_s)


async def _framed(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    yield SIGNATURE
    for block in blocks:
        yield block
    yield TRAILER
