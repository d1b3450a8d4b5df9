"""Use case: the list as it stood on a day, as a file that can be imported again: CSV, or a workbook for people."""

from datetime import date

from qingdan.ids import ListCode
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import list_file_rules, list_sheet_rules, list_store, workbook_store
from tasks.list_file_rules import FileFormat


async def export_list(
    pool: Pool, actor: Actor, list_code: ListCode, as_of: date | None, file_format: FileFormat = "csv"
) -> bytes:
    """CSV is in UTF-8 with a byte order mark, which spreadsheets need. Raises NoListInForce."""
    async with transaction(pool, actor) as tx:
        version = await list_store.list_in_force(tx, list_code, as_of or business_date(utcnow()))
    if file_format == "xlsx":
        return await workbook_store.write_workbook(list_sheet_rules.sheets_of(version), version.effective_on)
    return list_file_rules.write_list(version).encode("utf-8-sig")
