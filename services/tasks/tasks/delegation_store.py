"""Every SQL statement on delegations: who decides in whose place, and from when to when."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg

from runtime.db import Tx
from tasks.application_rules import Delegation


async def insert_delegation(
    tx: Tx, delegation_id: UUID, division_id: int, department: str, given: Delegation, from_on: date, to_on: date
) -> None:
    await tx.execute(
        "INSERT INTO access_delegation (id, division_id, department, delegator, delegate, from_on, to_on)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(delegation_id, division_id, department, given.delegator, given.delegate, from_on, to_on),
    )


async def linked_with(tx: Tx, subject: str, department: str | None, today: date) -> list[Delegation]:
    """The delegations of a department in force on that day that name the subject on either side, oldest first."""
    rows = await tx.fetch(
        "SELECT delegator, delegate FROM access_delegation WHERE department = $2 AND (delegate = $1 OR delegator = $1)"
        " AND $3 BETWEEN from_on AND to_on ORDER BY id",
        subject,
        department,
        today,
    )
    return [Delegation(row["delegator"], row["delegate"]) for row in rows]


async def list_delegations(tx: Tx, today: date) -> Sequence[asyncpg.Record]:
    """The delegations in scope that are not over, oldest first; at most 200."""
    return await tx.fetch(
        "SELECT id AS delegation, department, delegator, delegate, from_on, to_on FROM access_delegation"
        " WHERE to_on >= $1 ORDER BY id LIMIT 200",
        today,
    )
