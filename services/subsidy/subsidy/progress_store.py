"""The SQL statement that counts how far a run has come."""

from typing import Final

from qingdan.ids import RunId
from runtime.db import Tx
from runtime.problems import NotFound
from subsidy.payment_rules import FINAL
from subsidy.progress_rules import Standing

# Sent is what left by a batch; what is rejected unsent has an end and never left.
_STANDING: Final = """
SELECT r.id AS run, r.state, r.notice_until, r.approvals_needed,
       (SELECT count(*) FROM run_approval a WHERE a.run_id = r.id AND a.returns = r.returns) AS approvals,
       coalesce(o.total, r.frozen_items, 0) AS items, coalesce(o.done, p.payments) AS entered,
       o.begun_at AS entering_since, o.halted IS NOT NULL AS halted, p.*, clock_timestamp() AS now
FROM run r LEFT JOIN run_obliging o ON o.run_id = r.id
CROSS JOIN LATERAL (
    SELECT count(*) AS payments,
           count(*) FILTER (WHERE state = 'prepared' AND waits_for IS NULL) AS to_send,
           count(*) FILTER (WHERE state = 'prepared' AND waits_for = 'account_not_verified') AS waiting,
           count(*) FILTER (WHERE state = 'prepared' AND waits_for <> 'account_not_verified') AS held,
           count(batch_id) AS sent, count(*) FILTER (WHERE batch_id IS NOT NULL AND state = ANY($2::text[])) AS ended,
           min(sent_at) AS sending_since
    FROM payment WHERE run_id = r.id
) AS p
WHERE r.id = $1
"""


async def standing_of(tx: Tx, run: RunId) -> Standing:
    """The run's counts now. Raises NotFound."""
    row = await tx.fetchrow(_STANDING, run, FINAL)
    if row is None:
        raise NotFound(run=str(run))
    return Standing(**dict(row))
