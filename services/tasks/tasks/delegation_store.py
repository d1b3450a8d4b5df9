"""Every SQL statement on delegations: who decides in whose place, and from when to when."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg

from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from tasks.application_rules import Delegation

_VIEW = """
SELECT id AS delegation, department, delegator, delegate, from_on, to_on, revoked_on, revoked_by, version
FROM access_delegation
"""


async def insert_delegation(
    tx: Tx, delegation_id: UUID, division_id: int, department: str, given: Delegation, from_on: date, to_on: date
) -> None:
    await tx.execute(
        "INSERT INTO access_delegation (id, division_id, department, delegator, delegate, from_on, to_on)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(delegation_id, division_id, department, given.delegator, given.delegate, from_on, to_on),
    )


async def linked_with(tx: Tx, subject: str, department: str | None, today: date) -> list[Delegation]:
    """The delegations of a department in force on that day that name the subject on either side, oldest first.

    One that was revoked holds no more from the day of its revocation on.
    """
    rows = await tx.fetch(
        "SELECT delegator, delegate FROM access_delegation WHERE department = $2 AND (delegate = $1 OR delegator = $1)"
        " AND $3 BETWEEN from_on AND to_on AND (revoked_on IS NULL OR revoked_on > $3) ORDER BY id",
        subject,
        department,
        today,
    )
    return [Delegation(row["delegator"], row["delegate"]) for row in rows]


async def lock_delegation(tx: Tx, delegation: UUID, expected: Version) -> asyncpg.Record:
    """The delegation, held until the transaction ends. Raises NotFound, StaleVersion."""
    row = await tx.fetchrow(f"{_VIEW} WHERE id = $1 FOR UPDATE", delegation)
    if row is None:
        raise NotFound(delegation=str(delegation))
    if row["version"] != expected:
        raise StaleVersion(delegation=str(delegation), version=row["version"])
    return row


async def save_revoked(tx: Tx, delegation: UUID, revoked_by: str, *, today: date) -> None:
    """The delegation stays, with the day from which it holds no more."""
    await tx.execute(
        "UPDATE access_delegation SET revoked_on = $2, revoked_by = $3, version = version + 1 WHERE id = $1",
        *(delegation, today, revoked_by),
    )


async def list_delegations(tx: Tx, today: date, *, ended: bool) -> Sequence[asyncpg.Record]:
    """The delegations in scope that are not over, oldest first; `ended`: those that are; at most the latest 200."""
    return await tx.fetch(
        f"SELECT * FROM ({_VIEW} WHERE (to_on < $1 OR revoked_on IS NOT NULL) = $2"  # noqa: S608
        " ORDER BY id DESC LIMIT 200) AS latest ORDER BY delegation",
        *(today, ended),
    )
