"""Use case: data sets are gone, as tombstones say; nothing of them stays."""

from collections import defaultdict
from collections.abc import Sequence

from qingdan.event import Tombstone
from runtime.db import Tx
from subsidy import county_store, fact_rules, fact_store
from subsidy.vocabulary_rules import Entity


async def forget_facts(tx: Tx, tombstones: Sequence[Tombstone]) -> None:
    """Forget what the keys name; what was not there is gone already. Raises KeyUnreadable."""
    gone = fact_rules.gone([tombstone.key for tombstone in tombstones])
    by_register: dict[tuple[Entity, str], list[str]] = defaultdict(list)
    for each in await fact_store.forget_states(tx, [each for each in gone if each.entity != "county"]):
        by_register[each.entity, each.dataset].append(each.id)
    for (entity, dataset), ids in sorted(by_register.items()):
        await fact_store.clear_facts(tx, entity, dataset, ids)
    for each in gone:
        if each.entity == "county":
            await county_store.clear(tx, each.id, each.dataset)
