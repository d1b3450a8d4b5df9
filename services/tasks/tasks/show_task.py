"""Use case: one task, with how many of its shares are in which state."""

from qingdan.ids import TaskId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import task_store
from tasks.list_tasks import TaskView


async def show_task(pool: Pool, actor: Actor, task: TaskId) -> TaskView:
    """Raises NotFound."""
    async with transaction(pool, actor) as tx:
        return TaskView.of(await task_store.find_task(tx, task))
