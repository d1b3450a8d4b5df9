"""Use case: an operator takes over a county's finished past, all rows of a call or none."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.problems import Invalid
from tasks import history_rules, history_store
from tasks.history_rules import FinishedShare, fault


class HistoryImported(BaseModel):
    """What an import did."""

    batch: str
    added: int
    already_there: int = Field(description="rows of this batch with the same content")


async def import_history(pool: Pool, actor: Actor, batch: str, rows: Sequence[FinishedShare]) -> HistoryImported:
    """Import again what was imported before, and nothing changes.

    Raises Forbidden unless the actor is an operator, Invalid naming each row that does not fit.
    """
    actor.require(Role.OPERATOR)
    if errors := list(history_rules.faults(rows, today=business_date(utcnow()))):
        raise _unfit(errors)
    async with transaction(pool, actor) as tx:
        if errors := await _misfits(tx, batch, rows):
            raise _unfit(errors)
        added = await history_store.insert(tx, batch, rows)
        imported = HistoryImported(batch=batch, added=added, already_there=len(rows) - added)
        audit.note(tx, "history.imported", batch, imported.model_dump())
        tx.answer_with(imported)
    return imported


async def _misfits(tx: Tx, batch: str, rows: Sequence[FinishedShare]) -> list[dict[str, str]]:
    errors = []
    for at, stored in enumerate(await history_store.compare(tx, batch, rows)):
        if stored["village_id"] is None:
            errors.append(fault(at, "village_code", "unknown_village", "There is no such village.", "没有这个村。"))
        elif stored["there"] and not stored["same"]:
            errors.append(
                fault(at, "task_code", "differs", "This batch has other content here.", "该批次此处已有不同内容。")
            )
    return errors


def _unfit(errors: Sequence[dict[str, str]]) -> Invalid:
    return Invalid(errors=errors[:100], errors_more=max(0, len(errors) - 100) or None)
