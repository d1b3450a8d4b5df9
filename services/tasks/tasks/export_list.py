"""Use case: the list as it stood on a day, as a CSV file that can be imported again."""

from datetime import date

from qingdan.ids import ListCode
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import list_file_rules, list_store


async def export_list(pool: Pool, actor: Actor, list_code: ListCode, as_of: date | None) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets need. Raises NoListInForce."""
    async with transaction(pool, actor) as tx:
        version = await list_store.list_in_force(tx, list_code, as_of or business_date(utcnow()))
    return list_file_rules.write_list(version).encode("utf-8-sig")
