"""Every SQL statement on what a county trusts its registers with."""

from collections.abc import Sequence

from runtime.db import Tx
from subsidy.account_rules import Trust


async def save_trust(tx: Tx, division_id: int, changes: Sequence[Trust], *, decided_by: str) -> None:
    """These changes, and no others, need nobody to look."""
    await tx.execute(
        "DELETE FROM account_trust WHERE division_id = $1 AND change <> ALL($2::text[])", division_id, changes
    )
    await tx.execute(
        "INSERT INTO account_trust (division_id, change, decided_by) SELECT $1, e.change, $3"
        " FROM (SELECT DISTINCT unnest($2::text[]) AS change) AS e ON CONFLICT DO NOTHING",
        *(division_id, changes, decided_by),
    )
