"""Use case: shares are complete."""

from collections.abc import Sequence

from inspection import share_store
from qingdan.tasks_events import ShareCompleted
from runtime.db import Tx


async def record_completions(tx: Tx, completions: Sequence[ShareCompleted]) -> None:
    """Enter the completions. Raises DivisionUnknown when the tree lacks a village."""
    await share_store.save_completions(tx, completions)
