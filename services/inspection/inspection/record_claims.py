"""Use case: villages claimed their shares and set their own limits."""

from collections.abc import Sequence

from inspection import share_store
from qingdan.tasks_events import ShareClaimed
from runtime.db import Tx


async def record_claims(tx: Tx, claims: Sequence[ShareClaimed]) -> None:
    """Enter the claims. Raises DivisionUnknown when the tree lacks a village."""
    await share_store.save_claims(tx, claims)
