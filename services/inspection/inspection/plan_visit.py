"""Use case: a supervisor plans a visit from a village's report on its share."""

from datetime import date

from inspection import share_store, visit_rules, visit_store
from qingdan.ids import ShareId, VisitId
from qingdan.inspection_events import VisitPlanned
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id


async def plan_visit(pool: Pool, actor: Actor, share_id: ShareId, planned_on: date) -> VisitPlanned:
    """Raises Forbidden, NotFound and the refusals of visit_rules.plan."""
    actor.require(Role.SUPERVISOR)
    async with transaction(pool, actor) as tx:
        share = await share_store.lock_share(tx, share_id)
        event = visit_rules.plan(share, VisitId(new_id()), planned_on, today=business_date(utcnow()))
        assert share.reported_on is not None  # or there had been nothing to plan from
        await visit_store.insert_planned(tx, [(event, share.reported_on)])
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
    return event
