"""Use case: a village reported its share done, and the item asks for a look on the spot before it is complete."""

from inspection import share_store, visit_rules, visit_store
from qingdan.ids import VisitId
from qingdan.tasks_events import ShareReportedDone
from runtime import audit, outbox
from runtime.clock import business_date, utcnow
from runtime.db import Tx
from runtime.ids import new_id
from runtime.workday_calendar import calendar


async def plan_completion_visit(tx: Tx, reported: ShareReportedDone) -> None:
    """Plan the visit where one is due and none is under way; the report has been recorded before."""
    share = await share_store.lock_share(tx, reported.share)
    today = business_date(utcnow())
    event = visit_rules.plan_on_completion(share, VisitId(new_id()), await calendar(tx), today=today)
    if event is None:
        return
    await visit_store.insert_planned(tx, event, reported_on=reported.reported_on)
    await outbox.append(tx, event)
    await audit.append(tx, tx.actor, event)
