"""Use case: applications whose stage is over its limit show up on the desk of whoever the stage escalates to."""

from datetime import date
from typing import Final

from runtime import audit
from runtime.actor import Actor
from runtime.db import Pool, transaction
from runtime.workday_calendar import calendar
from tasks import application_rules, application_store, stage_store

_AT_ONCE: Final = 100


async def escalate_applications(pool: Pool, actor: Actor, today: date) -> bool:
    """Up to 100 of them, the oldest due date first, each one level; return whether there may be more.

    The same delay is escalated again when the stage's limit has passed once more.
    """
    async with transaction(pool, actor) as tx:
        overdue = await application_store.take_overdue(tx, today, _AT_ONCE)
        days = await calendar(tx)
        for row in overdue:
            stages = await stage_store.find_stages(tx, row["stage_kind"], row["stage_set"])
            stage = stages.at(row["stage"])
            again = application_rules.escalate_again_after(stages, row["stage"], days, today=today)
            await application_store.save_escalated(tx, row, stage.escalate_to, again, today=today)
            said = {
                "stage": stage.code,
                "due_on": row["due_on"],
                "waiting_for": row["waiting_for"],
                "escalated_to": stage.escalate_to,
                "level": row["escalated"] + 1,
            }
            audit.note(tx, "access.escalated", str(row["id"]), said)
    return len(overdue) == _AT_ONCE
