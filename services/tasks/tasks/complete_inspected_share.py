"""Use case: a closed visit completes the share that waited for it, or leaves its findings with one still under way."""

from qingdan.inspection_events import VisitClosed
from runtime import audit, outbox
from runtime.db import Tx
from runtime.workday_calendar import calendar
from tasks import share_rules, share_store


async def complete_inspected_share(tx: Tx, closed: VisitClosed) -> None:
    """Raises NotFound for a share that was never published here: the event is parked."""
    share = await share_store.lock_share(tx, closed.share, expected=None)
    inspected = share_rules.close_visit(share, closed, await calendar(tx))
    await share_store.save_inspected(tx, share.id, inspected)
    if inspected.completed is not None:
        await outbox.append(tx, inspected.completed)
        await audit.append(tx, tx.actor, inspected.completed)
