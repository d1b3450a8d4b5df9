"""Use case: villages reported shares done whose items ask for a look on the spot before they are complete."""

from dataclasses import replace

from inspection import share_store, visit_rules, visit_store
from qingdan.ids import VisitId
from qingdan.tasks_events import ShareReportedDone
from runtime import audit, outbox
from runtime.clock import business_date, utcnow
from runtime.db import Tx
from runtime.ids import new_id
from runtime.runs import Run
from runtime.workday_calendar import calendar


async def plan_completion_visits(tx: Tx, reports: Run[ShareReportedDone]) -> None:
    """Plan a visit where one is due and none is under way; the reports have been recorded before.

    Each visit is told in the trace of the report that it is planned from.
    """
    shares = await share_store.lock_shares(tx, {reported.share for reported in reports})
    today, workdays = business_date(utcnow()), await calendar(tx)
    planned = []
    for reported in reports.each():
        share = shares[reported.share]
        event = visit_rules.plan_on_completion(share, VisitId(new_id()), workdays, today=today)
        if event is None:
            continue
        shares[share.id] = replace(share, open_visit=event.visit)
        planned.append((event, reported.reported_on))
        await outbox.append(tx, event)
        await audit.append(tx, tx.actor, event)
    if planned:
        await visit_store.insert_planned(tx, planned)
