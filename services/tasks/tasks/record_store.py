"""Every SQL statement on the printed record of a claim."""

from qingdan.ids import ListCode, ShareId
from runtime.db import Tx
from runtime.problems import NotFound
from tasks.record_rules import ROWS_MAX, ClaimRecord, LimitChanged, NothingClaimed, PauseTaken

_RECORD = """
SELECT s.id::text AS share, d.code AS village_code, d.name_zh AS village_name, s.department, s.title_zh, s.title_en,
       s.published_on, s.item_code AS item, s.list_version,
       coalesce(s.legal_basis, nullif(trim(i.law || ' ' || i.article), '')) AS basis, s.claimed_on,
       s.limit_working_days, s.due_on, s.provisional, s.latest_on, s.paused_working_days,
       (SELECT count(*) FROM share_pause p WHERE p.share_id = s.id) AS pauses_in_all
FROM share s JOIN division d ON d.id = s.division_id
LEFT JOIN list_item i ON i.list_code = $2 AND i.version = s.list_version AND i.code = s.item_code
WHERE s.id = $1
"""


async def find_claim(tx: Tx, share: ShareId, list_code: ListCode) -> ClaimRecord:
    """The claim with its later limits and its pauses, oldest first, the latest 50. Raises NotFound, NothingClaimed."""
    row = await tx.fetchrow(_RECORD, share, list_code)
    if row is None:
        raise NotFound(share=str(share))
    if row["claimed_on"] is None:
        raise NothingClaimed(share=str(share))
    changes = await tx.fetch(
        "SELECT changed_on, limit_before, limit_after, due_after, reason, code FROM ("
        " SELECT * FROM share_limit WHERE share_id = $1 ORDER BY seq DESC LIMIT $2) AS latest ORDER BY seq",
        *(share, ROWS_MAX),
    )
    pauses = await tx.fetch(
        "SELECT waiting_for, paused_on, resumed_on, paused_working_days FROM ("
        " SELECT * FROM share_pause WHERE share_id = $1 ORDER BY seq DESC LIMIT $2) AS latest ORDER BY seq",
        *(share, ROWS_MAX),
    )
    return ClaimRecord(
        **dict(row),
        changes=[LimitChanged(**dict(change)) for change in changes],
        pauses=[PauseTaken(**dict(pause)) for pause in pauses],
    )
