"""Use case: an operator puts a new version of a list in force from a file, CSV or a workbook."""

from datetime import date

from qingdan.access_events import ListVersionTookEffect
from qingdan.ids import ListCode
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import list_file_rules, list_rules, list_store, workbook_rules, workbook_store
from tasks.list_file_rules import SHEET, FileFormat
from tasks.list_rules import ListVersion


async def import_list_version(
    pool: Pool, actor: Actor, list_code: ListCode, effective_on: date, body: bytes, file_format: FileFormat = "csv"
) -> ListVersionTookEffect:
    """All rows or none. Raises Forbidden unless the actor is an operator, Invalid that names every bad row by its
    line, DivisionUnknown, and what `list_rules.take_effect` raises."""
    actor.require(Role.OPERATOR)
    if file_format == "xlsx":
        lines = workbook_rules.rows_of(await workbook_store.read_workbook(body, SHEET))
    else:
        lines = list_file_rules.read_csv(body)
    rows = list_file_rules.read_list(lines, list_code)
    async with transaction(pool, actor) as tx:
        newest = await list_store.lock_list(tx, list_code)
        version, before = (newest["version"] + 1, newest["effective_on"]) if newest else (1, None)
        proposed = ListVersion(list_code, version, effective_on, rows.items, rows.negative)
        event = list_rules.take_effect(proposed, before, today=business_date(utcnow()))
        await list_store.insert_version(tx, proposed)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
