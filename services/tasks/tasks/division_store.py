"""Every SQL statement of this service that only reads the tree of divisions."""

from qingdan.divisions import DivisionCode
from runtime.db import Tx
from runtime.divisions import DivisionUnknown


async def id_in_scope(tx: Tx, code: DivisionCode) -> int:
    """The id of a division in the actor's subtree; one outside is as unknown as one that does not exist.

    Raises DivisionUnknown.
    """
    found: int | None = await tx.fetchval(
        "SELECT d.id FROM division d JOIN division_closure c ON c.descendant_id = d.id"
        " WHERE c.ancestor_id = app_division() AND d.code = $1 AND d.valid_to IS NULL",
        str(code),
    )
    if found is None:
        raise DivisionUnknown(division=str(code))
    return found


async def villages_of(tx: Tx, division: DivisionCode) -> dict[DivisionCode, int]:
    """The villages in force below a division (itself, if it is one), with their ids, by code."""
    rows = await tx.fetch(
        "SELECT v.code, v.id FROM division d JOIN division_closure c ON c.ancestor_id = d.id"
        " JOIN division v ON v.id = c.descendant_id"
        " WHERE d.code = $1 AND d.valid_to IS NULL AND v.level = 'village' AND v.valid_to IS NULL ORDER BY v.code",
        str(division),
    )
    return {DivisionCode(row["code"]): row["id"] for row in rows}
