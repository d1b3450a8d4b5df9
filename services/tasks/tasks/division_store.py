"""Every SQL statement of this service that only reads the tree of divisions."""

from collections.abc import Iterable

from qingdan.divisions import DivisionCode
from runtime.db import Tx
from runtime.divisions import DivisionUnknown


async def villages_of(tx: Tx, division: DivisionCode) -> dict[DivisionCode, int]:
    """The villages in force below a division (itself, if it is one), with their ids, by code."""
    rows = await tx.fetch(
        "SELECT v.code, v.id FROM division d JOIN division_closure c ON c.ancestor_id = d.id"
        " JOIN division v ON v.id = c.descendant_id"
        " WHERE d.code = $1 AND d.valid_to IS NULL AND v.level = 'village' AND v.valid_to IS NULL ORDER BY v.code",
        str(division),
    )
    return {DivisionCode(row["code"]): row["id"] for row in rows}


async def ids_of(tx: Tx, divisions: Iterable[DivisionCode]) -> dict[DivisionCode, int]:
    """The ids of these divisions, by code. Raises DivisionUnknown when the tree lacks one."""
    codes = {str(code) for code in divisions}
    rows = await tx.fetch(
        "SELECT code, id FROM division WHERE code = ANY($1::text[]) AND valid_to IS NULL", sorted(codes)
    )
    if unknown := sorted(codes - {row["code"] for row in rows}):
        raise DivisionUnknown(divisions=unknown[:100])
    return {DivisionCode(row["code"]): row["id"] for row in rows}


async def county_of(tx: Tx, division: DivisionCode | None) -> int:
    """The id of the county that a division lies in or is; None: of the only county that the tree has.

    Raises DivisionUnknown, also when the tree has several counties and none is named.
    """
    rows = await tx.fetch(
        "SELECT c.id FROM division c WHERE c.level = 'county' AND c.valid_to IS NULL AND ($1::text IS NULL OR EXISTS ("
        "SELECT 1 FROM division_closure x JOIN division d ON d.id = x.descendant_id"
        " WHERE x.ancestor_id = c.id AND d.code = $1 AND d.valid_to IS NULL)) LIMIT 2",
        None if division is None else str(division),
    )
    if len(rows) != 1:
        raise DivisionUnknown(division=str(division))
    county: int = rows[0]["id"]
    return county
