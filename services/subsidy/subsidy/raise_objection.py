"""Use case: somebody who looks at a public notice objects to one of its items."""

from qingdan.ids import ObjectionId, OpenCode, ProgrammeCode, RunId
from qingdan.subsidy_events import ObjectionRaised
from runtime import audit, outbox
from runtime.actor import Actor, service_actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id
from subsidy import hold_store, notice_store, objection_rules, objection_store
from subsidy.hold_rules import HoldId
from subsidy.notice_rules import ItemNumber


async def raise_objection(
    pool: Pool, actor: Actor, run: RunId, programme: ProgrammeCode, item: ItemNumber, reason: OpenCode
) -> ObjectionRaised:
    """Everybody who sees the item may; it waits until that is decided, and the run goes on.

    item: its number in the notice. Raises NotFound and the refusals of objection_rules.object_to.
    """
    async with transaction(pool, service_actor("subsidy")) as tx:  # who is of a village does not see the county's run
        notice = await notice_store.find_notice(tx, run, actor.division)
    async with transaction(pool, actor) as tx:
        named, where = await notice_store.find_item(tx, run, programme, item)
        hold, event = objection_rules.object_to(
            named,
            notice,
            ObjectionId(new_id()),
            HoldId(new_id()),
            reason=reason,
            raised_by=actor.subject,
            again=await objection_store.is_waiting(tx, run, named, actor.subject),
            today=business_date(utcnow()),
        )
        await hold_store.insert_hold(tx, hold, where, run=run)
        await objection_store.insert_objection(tx, event, hold, where, reason=reason)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
