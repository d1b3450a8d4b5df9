"""Use case: what changed between two versions of a list."""

from qingdan.ids import ListCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import list_store
from tasks.list_diff_rules import ListDiff, diff


async def diff_list_versions(pool: Pool, actor: Actor, list_code: ListCode, earlier: int, later: int) -> ListDiff:
    """What one has to do to the first version to make it the second. Raises ListVersionUnknown."""
    async with transaction(pool, actor) as tx:
        one = await list_store.list_of_version(tx, list_code, earlier)
        other = await list_store.list_of_version(tx, list_code, later)
    return diff(one, other)
