"""Every SQL statement on calendar feeds."""

from datetime import date

import asyncpg

from runtime.db import Tx


async def replace_feed(tx: Tx, token_sha256: bytes, division_id: int, opened_on: date, valid_to: date) -> None:
    """The actor's feed of this division, in place of any earlier one."""
    await close_feed(tx, division_id, opened_on)
    await tx.execute(
        "INSERT INTO calendar_feed (token_sha256, subject, division_id, opened_on, valid_to)"
        " VALUES ($1, $2, $3, $4, $5)",
        token_sha256,
        tx.actor.subject,
        division_id,
        opened_on,
        valid_to,
    )


async def close_feed(tx: Tx, division_id: int, today: date) -> bool:
    """Whether the actor had one."""
    closed = await tx.execute(
        "UPDATE calendar_feed SET closed_on = $3 WHERE subject = $1 AND division_id = $2 AND closed_on IS NULL",
        tx.actor.subject,
        division_id,
        today,
    )
    return closed != "UPDATE 0"


async def find_feed(tx: Tx, token_sha256: bytes, today: date) -> asyncpg.Record | None:
    """Whose feed has this hash (subject, division), if it is still valid."""
    return await tx.fetchrow(
        "SELECT f.subject, d.code AS division FROM calendar_feed f JOIN division d ON d.id = f.division_id"
        " WHERE f.token_sha256 = $1 AND f.closed_on IS NULL AND f.valid_to >= $2 AND d.valid_to IS NULL",
        token_sha256,
        today,
    )
