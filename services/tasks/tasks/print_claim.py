"""Use case: the record of a claim, to be printed; it stands in place of a letter of responsibility."""

from qingdan.ids import ShareId
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import record_rules, record_store
from tasks.list_rules import VILLAGE_LIST


async def print_claim(pool: Pool, actor: Actor, share: ShareId) -> str:
    """One page of HTML. Raises NotFound, also for another village's share, NothingClaimed."""
    async with transaction(pool, actor) as tx:
        record = await record_store.find_claim(tx, share, VILLAGE_LIST)
    return record_rules.page(record, printed_on=business_date(utcnow()))
