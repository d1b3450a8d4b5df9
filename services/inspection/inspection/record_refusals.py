"""Use case: villages lawfully said no to their shares; nothing of these will be visited."""

from collections.abc import Sequence

from inspection import share_store
from qingdan.tasks_events import ShareRefused
from runtime.db import Tx


async def record_refusals(tx: Tx, refusals: Sequence[ShareRefused]) -> None:
    """Enter the refusals. Raises DivisionUnknown when the tree lacks a village."""
    await share_store.save_refusals(tx, refusals)
