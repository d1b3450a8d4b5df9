"""Use case: staff of the task's department or of the township grants an extension, or does not."""

from qingdan.tasks_events import ExtensionDecided
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.workday_calendar import calendar
from tasks import extension_rules, extension_store, share_store
from tasks.extension_rules import ExtensionId


async def decide_extension(
    pool: Pool, actor: Actor, extension_id: ExtensionId, granted: bool, reason: str, *, expected: Version
) -> ExtensionDecided:
    """`expected` is the extension's version; the reason stays in this service.

    Raises Forbidden, NotFound (also for another department's), StaleVersion, VillagesAsk, ExtensionClosed.
    """
    actor.require(Role.DEPARTMENT_STAFF, Role.TOWN_STAFF)
    async with transaction(pool, actor) as tx:
        extension = await extension_store.lock_extension(tx, extension_id, expected)
        share = (await share_store.lock_shares(tx, [extension.share]))[extension.share]
        decided = extension_rules.decide(
            extension,
            share,
            granted,
            await calendar(tx),
            level=actor.division.level,
            subject=actor.subject,
            today=business_date(utcnow()),
        )
        await extension_store.save_decisions(tx, [decided], reason)
        await outbox.append(tx, decided.event)
        await audit.append(tx, actor, decided.event)
        if decided.change is not None:
            await outbox.append(tx, decided.change.event)
            await audit.append(tx, actor, decided.change.event, before={"due_on": decided.change.due_before})
        tx.answer_with(decided.event, version=expected + 1)
    return decided.event
