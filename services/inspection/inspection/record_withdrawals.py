"""Use case: shares were withdrawn, as when another village took the task; nothing of these will be visited."""

from collections.abc import Sequence

from inspection import share_store
from qingdan.tasks_events import ShareWithdrawn
from runtime.db import Tx


async def record_withdrawals(tx: Tx, withdrawals: Sequence[ShareWithdrawn]) -> None:
    """Enter the withdrawals. Raises DivisionUnknown when the tree lacks a village."""
    await share_store.save_withdrawals(tx, withdrawals)
