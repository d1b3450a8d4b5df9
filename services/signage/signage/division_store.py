"""Every SQL statement of this service that only reads the tree of divisions, or locks a part of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from qingdan.divisions import DivisionCode
from runtime.db import Tx
from signage.sign_rules import VillagesUnknown


@dataclass(frozen=True, slots=True)
class Village:
    """A village in force, under its full name."""

    id: int
    name_zh: str


async def villages_in_scope(tx: Tx, codes: Iterable[DivisionCode]) -> dict[DivisionCode, Village]:
    """These villages, all of them in the actor's subtree. Raises VillagesUnknown naming those that are not."""
    asked = {str(code) for code in codes}
    rows = await tx.fetch(
        "SELECT d.code, d.id, d.name_zh FROM division d JOIN division_closure c ON c.descendant_id = d.id"
        " WHERE c.ancestor_id = app_division() AND d.code = ANY($1::text[]) AND d.level = 'village'"
        " AND d.valid_to IS NULL",
        sorted(asked),
    )
    if unknown := sorted(asked - {row["code"] for row in rows}):
        raise VillagesUnknown(villages=unknown[:100])
    return {DivisionCode(row["code"]): Village(row["id"], row["name_zh"]) for row in rows}


async def lock_villages(tx: Tx, villages: Iterable[int]) -> None:
    """Nobody else judges the signs of these villages, or tells of them, until this transaction ends.

    The village is the key of all that is told here and has no row of its own in this service. Locked in one order.
    """
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtext('signs of a village'), v.id)"
        " FROM (SELECT DISTINCT id FROM unnest($1::integer[]) AS asked(id) ORDER BY id) AS v",
        list(villages),
    )
