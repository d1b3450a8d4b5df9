"""Use case: a department appeals against a village's no, once, with its reasons."""

from qingdan.ids import AskId
from qingdan.tasks_events import RefusalAppealed
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.workday_calendar import calendar
from tasks import appeal_rules, appeal_store


async def appeal_refusal(pool: Pool, actor: Actor, ask: AskId, reasons: str) -> RefusalAppealed:
    """The reasons stay in this service: open topics carry no free text.

    Raises Forbidden, NotFound (also for another department's ask), OnlyVillagesNo, AlreadyAppealed, AppealTooLate.
    """
    actor.require(Role.DEPARTMENT_STAFF)
    async with transaction(pool, actor) as tx:
        refused = await appeal_store.lock_refused(tx, ask)
        event = appeal_rules.appeal(refused, await calendar(tx), today=business_date(utcnow()))
        await appeal_store.insert_appeal(tx, event, reasons, actor.subject)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
