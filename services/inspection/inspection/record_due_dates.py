"""Use case: due dates moved: another limit, an extension, the official calendar, or a clock that stood still."""

from collections.abc import Sequence

from inspection import share_store
from qingdan.tasks_events import ShareLimitChanged, ShareResumed
from runtime.db import Tx


async def record_due_dates(tx: Tx, changes: Sequence[ShareLimitChanged | ShareResumed]) -> None:
    """Enter when these shares are due now. Raises DivisionUnknown when the tree lacks a village."""
    await share_store.save_due_dates(tx, changes)
