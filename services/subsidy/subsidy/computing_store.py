"""Every SQL statement on what is being computed."""

from typing import Final

from qingdan.divisions import DivisionCode
from qingdan.subsidy_events import Period
from runtime.db import Tx
from subsidy.computing_rules import Going, Heard

_TELL: Final = """
INSERT INTO computing (division_id, period, what, step, done, total, began_at, step_began_at, heard_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())
ON CONFLICT (division_id, period) DO UPDATE SET
    what = excluded.what, step = excluded.step, done = excluded.done, total = excluded.total,
    began_at = excluded.began_at, step_began_at = excluded.step_began_at, heard_at = excluded.heard_at
"""


async def tell(tx: Tx, division_id: int, period: Period, going: Going) -> None:
    """The computation is there now."""
    done, total = min(going.done, going.total), going.total
    await tx.execute(
        _TELL, division_id, period, going.what, going.step, done, total, going.began_at, going.step_began_at
    )


async def forget(tx: Tx, division_id: int, period: Period) -> None:
    """It has ended, well or not; or it is about to begin, and what was told before is of one that was killed."""
    await tx.execute("DELETE FROM computing WHERE division_id = $1 AND period = $2", division_id, period)


async def find(tx: Tx, division: DivisionCode, period: Period) -> Heard | None:
    """What was told last of the county's month; None: nothing is being computed."""
    row = await tx.fetchrow(
        "SELECT d.code AS division, c.period, c.what, c.step, c.done, c.total, c.began_at, c.step_began_at, c.heard_at,"
        " clock_timestamp() AS now FROM computing c JOIN division d ON d.id = c.division_id"
        " WHERE d.code = $1 AND c.period = $2",
        *(division, period),
    )
    return None if row is None else Heard(**dict(row))
