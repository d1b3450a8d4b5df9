"""Use case: people's identities are gone, as tombstones say."""

from collections.abc import Sequence

from qingdan.event import Tombstone
from runtime.db import Tx
from subsidy import account_store, fact_rules, identity_store


async def forget_identities(tx: Tx, tombstones: Sequence[Tombstone]) -> None:
    """Forget the people whom the keys name, and which accounts they had. Raises KeyUnreadable."""
    people = sorted(fact_rules.people([tombstone.key for tombstone in tombstones]))
    await identity_store.forget_identities(tx, people)
    await account_store.forget_accounts(tx, people)
    await account_store.wake_payments(tx, people)
