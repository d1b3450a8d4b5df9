"""Use case: a version of the responsibility list took effect; asks for signs are checked against it from now on."""

from qingdan.access_events import ListVersionTookEffect
from runtime.db import Tx
from runtime.runs import Run
from signage import list_store


async def follow_lists(tx: Tx, told: Run[ListVersionTookEffect]) -> None:
    """Every list is kept, the townships' too: which one an ask is checked against is the gate's matter."""
    await list_store.insert_versions(tx, told)
