"""Every SQL statement on what a run was computed from."""

import asyncio
from collections.abc import Iterator

from qingdan.ids import RunId
from runtime.db import Tx
from subsidy.run_rules import Run
from subsidy.snapshot_rules import Part


async def keep(tx: Tx, run: Run, parts: Iterator[Part]) -> None:
    """Keep what the run is computed from, in place of what an earlier preview was computed from; each part is made in a
    thread, when its turn comes."""
    await tx.execute("DELETE FROM run_snapshot WHERE run_id = $1", run.id)
    while (part := await asyncio.to_thread(_next, parts)) is not None:
        await tx.execute(
            "INSERT INTO run_snapshot (run_id, section, number, division_id, rows, packed, lowest, highest)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            *(run.id, part.section, part.number, run.division_id, part.rows, part.packed, part.lowest, part.highest),
        )


def _next(parts: Iterator[Part]) -> Part | None:
    return next(parts, None)


async def parts_of(tx: Tx, run: RunId) -> list[Part]:
    """Everything that was kept; nothing for a run of an earlier version of the service."""
    rows = await tx.fetch(
        "SELECT section, number, rows, packed FROM run_snapshot WHERE run_id = $1 ORDER BY section, number", run
    )
    return [Part(row["section"], row["number"], row["rows"], row["packed"]) for row in rows]


async def division_codes(tx: Tx) -> dict[int, str]:
    """The code of each division that the actor sees, by our own number of it."""
    return {row["id"]: row["code"] for row in await tx.fetch("SELECT id, code FROM division")}
