"""Every SQL statement on what public works took and saved."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, Literal

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId
from qingdan.tasks_events import WorksFacts
from runtime.db import Tx

# What a report does not name stays as it was told before.
_SAVE = """
INSERT INTO share_works AS w (share_id, division_id, department, item_code, labour_days, households_taking_part,
                              material_reused_kg, money_saved_fen, told_on)
SELECT id, division_id, department, coalesce(item_code, ''), $2, $3, $4, $5, $6 FROM share WHERE id = $1
ON CONFLICT (share_id) DO UPDATE SET
    labour_days = coalesce(excluded.labour_days, w.labour_days),
    households_taking_part = coalesce(excluded.households_taking_part, w.households_taking_part),
    material_reused_kg = coalesce(excluded.material_reused_kg, w.material_reused_kg),
    money_saved_fen = coalesce(excluded.money_saved_fen, w.money_saved_fen), told_on = excluded.told_on
"""

# Labour for each household is reckoned of those shares that told both. What no sum of ours can hold is shown as the
# largest that one can.
_SUMS: Final = """
WITH told AS (
    SELECT d.code AS division, d.name_zh, w.item_code AS item, w.labour_days, w.households_taking_part,
           w.material_reused_kg, w.money_saved_fen
    FROM share_works w
    JOIN division_closure mine ON mine.descendant_id = w.division_id AND mine.ancestor_id = app_division()
    JOIN division_closure above ON above.descendant_id = w.division_id
    JOIN division d ON d.id = above.ancestor_id AND d.level = $1
    WHERE ($2::text IS NULL OR w.item_code = $2) AND ($3::text IS NULL OR d.code = $3)
        AND ($4::text IS NULL OR (d.code, w.item_code) > ($4, $5))
)
SELECT division, name_zh, item, count(*)::int AS shares, coalesce(sum(labour_days), 0)::bigint AS labour_days,
       coalesce(sum(households_taking_part), 0)::bigint AS households_taking_part,
       (sum(labour_days) FILTER (WHERE households_taking_part > 0))::bigint AS labour_days_told_with_households,
       (sum(households_taking_part) FILTER (WHERE labour_days IS NOT NULL))::bigint AS households_told_with_labour,
       coalesce(sum(material_reused_kg), 0)::bigint AS material_reused_kg,
       least(coalesce(sum(money_saved_fen), 0), 9007199254740991)::bigint AS money_saved_fen
FROM told GROUP BY division, name_zh, item ORDER BY division, item LIMIT $6
"""


async def save_works(tx: Tx, told: Iterable[tuple[ShareId, WorksFacts, date]]) -> None:
    """Keep the latest totals of these shares, each with the day on which they were told."""
    await tx.executemany(
        _SAVE,
        [
            (share, w.labour_days, w.households_taking_part, w.material_reused_kg, w.money_saved_fen, told_on)
            for share, w, told_on in told
        ],
    )


async def find_works(tx: Tx, share: ShareId) -> asyncpg.Record | None:
    """The latest totals of a share; None where nothing was told of works."""
    return await tx.fetchrow(
        "SELECT labour_days, households_taking_part, material_reused_kg, money_saved_fen FROM share_works"
        " WHERE share_id = $1",
        share,
    )


async def list_works(
    tx: Tx,
    *,
    level: Literal["township", "village"],
    item: str | None,
    division: DivisionCode | None,
    after: tuple[DivisionCode, str] | None,
    limit: int,
) -> Sequence[asyncpg.Record]:
    """The sums of each division of a level and each item, by their codes, after the ones that `after` names."""
    code, behind = after or (None, None)
    named = [None if each is None else str(each) for each in (division, code)]
    return await tx.fetch(_SUMS, level, item, *named, behind, limit)
