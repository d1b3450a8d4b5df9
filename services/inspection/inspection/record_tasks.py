"""Use case: a task was published; every village's share of it is known here from now on."""

from collections.abc import Sequence

from inspection import share_store
from qingdan.tasks_events import TaskPublished
from runtime.db import Tx


async def record_tasks(tx: Tx, published: Sequence[TaskPublished]) -> None:
    """Enter the shares, or complete what is known of them. Raises DivisionUnknown when the tree lacks a village."""
    await share_store.save_published(tx, published)
