"""Use case: people's identities are gone, as tombstones say."""

from collections.abc import Sequence

from qingdan.event import Tombstone
from runtime.db import Tx
from subsidy import fact_rules, identity_store


async def forget_identities(tx: Tx, tombstones: Sequence[Tombstone]) -> None:
    """Forget the people whom the keys name. Raises KeyUnreadable."""
    await identity_store.forget_identities(tx, fact_rules.people([tombstone.key for tombstone in tombstones]))
