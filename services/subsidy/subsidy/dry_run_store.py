"""Every SQL statement that a dry run alone needs: it writes nothing, and the database sees to that."""

import numpy as np

from qingdan.divisions import DivisionCode
from runtime.db import Tx
from subsidy.dry_run_rules import Townships


async def write_nothing(tx: Tx) -> None:
    """From now on the transaction refuses to change anything."""
    await tx.execute("SET TRANSACTION READ ONLY")


async def townships_of(tx: Tx, county_id: int) -> Townships:
    """Every division of the county with the township that it lies in; what lies in none lies in the county itself."""
    rows = await tx.fetch(
        "SELECT d.id, d.code, coalesce(t.code, k.code) AS township FROM division_closure c"
        " JOIN division d ON d.id = c.descendant_id JOIN division k ON k.id = c.ancestor_id"
        " LEFT JOIN LATERAL (SELECT a.code FROM division_closure u JOIN division a ON a.id = u.ancestor_id"
        " WHERE u.descendant_id = d.id AND a.level = 'township') AS t ON true WHERE c.ancestor_id = $1",
        county_id,
    )
    codes = sorted({row["township"] for row in rows})
    of_division = np.zeros(1 + max(row["id"] for row in rows), np.int32)
    for row in rows:
        of_division[row["id"]] = codes.index(row["township"])
    return Townships(
        [DivisionCode(code) for code in codes], of_division, {row["id"]: DivisionCode(row["code"]) for row in rows}
    )
