"""Use case: a village asks that its share be due later, also after its date has passed."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.ids import ShareId
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id
from runtime.workday_calendar import calendar
from tasks import extension_rules, extension_store, share_store
from tasks.extension_rules import ExtensionId


class ExtensionOpened(BaseModel):
    """An extension that waits for its decision."""

    extension: ExtensionId
    share: ShareId
    limit_working_days: int = Field(description="asked for, counted from the day of the claim")
    due_asked: date = Field(description="the day on which that ends, with what the clock stood still")
    asked_on: date
    decide_by: date = Field(description="the last day to decide; after it the extension is granted by itself")


async def ask_extension(
    pool: Pool, actor: Actor, share_id: ShareId, limit_working_days: int, reason: str, *, expected: Version
) -> ExtensionOpened:
    """The reason stays in this service: open topics carry no free text. Until the decision the old date stands.

    Raises Forbidden, NotFound, StaleVersion, ShareNotClaimed, ShareAlreadyDone, ShareWasRefused, ShareWasWithdrawn,
    ExtensionOpen, NoLater, LimitInThePast, BeyondStatutoryDate.
    """
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        share = await share_store.lock_share(tx, share_id, expected)
        days, is_open = await calendar(tx), await extension_store.has_open(tx, share_id)
        event = extension_rules.ask(share, limit_working_days, days, is_open=is_open, today=business_date(utcnow()))
        extension, due_asked = ExtensionId(new_id()), extension_rules.due_asked(share, limit_working_days, days)
        await extension_store.insert_extension(
            tx, extension, event, extension_rules.judged_by(share), due_asked, reason
        )
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
        answer = ExtensionOpened(
            extension=extension,
            share=share_id,
            limit_working_days=limit_working_days,
            due_asked=due_asked,
            asked_on=event.asked_on,
            decide_by=event.decide_by,
        )
        tx.answer_with(answer, version=expected + 1)
    return answer
