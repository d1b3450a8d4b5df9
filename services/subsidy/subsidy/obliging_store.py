"""Every SQL statement on how far what was approved has become owed."""

from typing import NamedTuple
from uuid import UUID

import asyncpg

from qingdan.ids import RunId
from runtime.db import Tx
from subsidy.obligation_store import Obliged
from subsidy.run_rules import Run


class Obliging(NamedTuple):
    """A run on its way to being owed. checked: it is as it was frozen. after: the entitlement that it has come to."""

    run: RunId
    checked: bool
    total: int
    done: int
    after: tuple[str, UUID, str] | None


async def begin(tx: Tx, run: Run) -> None:
    """Everything that was frozen waits to become owed."""
    await tx.execute(
        "INSERT INTO run_obliging (run_id, division_id, total) VALUES ($1, $2, $3)",
        *(run.id, run.division_id, run.frozen_items),
    )


async def lock_next(tx: Tx) -> Obliging | None:
    """The run that has waited longest, held until the transaction ends; None: nothing waits that no other replica has
    taken up."""
    row = await tx.fetchrow(
        "SELECT run_id, checked, total, done, programme, beneficiary, occurrence FROM run_obliging"
        " WHERE ended_at IS NULL AND halted IS NULL ORDER BY begun_at, run_id LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    if row is None:
        return None
    after = None if row["programme"] is None else (row["programme"], row["beneficiary"], row["occurrence"])
    return Obliging(row["run_id"], row["checked"], row["total"], row["done"], after)


async def save_checked(tx: Tx, run: RunId, *, halted: str | None) -> None:
    """The run is as it was frozen, or it goes no further, for the reason given."""
    await tx.execute(
        "UPDATE run_obliging SET checked = true, halted = $2 WHERE run_id = $1",
        *(run, halted),
    )


async def save_obliged(tx: Tx, run: RunId, obliged: Obliged) -> None:
    """The next step is done."""
    await tx.execute(
        "UPDATE run_obliging SET done = done + $2, already = already + $2 - $3, obliged_fen = obliged_fen + $4,"
        " programme = $5, beneficiary = $6, occurrence = $7 WHERE run_id = $1",
        *(run, obliged.looked_at, len(obliged.obligations), obliged.obliged_fen, *obliged.last),
    )


async def save_ended(tx: Tx, run: RunId) -> asyncpg.Record:
    """Everything is owed: what it came to."""
    row = await tx.fetchrow(
        "UPDATE run_obliging SET ended_at = clock_timestamp() WHERE run_id = $1"
        " RETURNING done - already AS obligations, obliged_fen, already",
        run,
    )
    assert row is not None  # the caller holds it
    return row


async def anything_open(tx: Tx, division_id: int) -> bool:
    """Whether something that was approved in that county is not owed yet."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM run_obliging WHERE division_id = $1 AND ended_at IS NULL AND halted IS NULL)",
        division_id,
    )
    return found
