"""Use case: closed visits complete the shares that waited for them, or leave their findings with those under way."""

from qingdan.ids import ShareId
from qingdan.inspection_events import VisitClosed
from qingdan.tasks_events import ShareResumed
from runtime import audit, outbox
from runtime.db import Tx
from runtime.problems import NotFound
from runtime.runs import Run
from runtime.workday_calendar import calendar
from tasks import clock_rules, clock_store, share_rules, share_store
from tasks.share_rules import Inspected, Share


async def complete_inspected_shares(tx: Tx, visits: Run[VisitClosed]) -> None:
    """Each completion is told in the trace of its visit; what a visit gives back has its clock running again.

    Raises NotFound for a share that was never published here: the event is parked.
    """
    shares = await share_store.lock_shares(tx, {closed.share for closed in visits})
    workdays = await calendar(tx)
    found: dict[ShareId, Inspected] = {}
    given_back: dict[ShareResumed, Share] = {}
    for closed in visits.each():
        if (share := shares.get(closed.share)) is None:
            raise NotFound(share=str(closed.share))
        inspected = share_rules.close_visit(share, closed, workdays)
        shares[share.id] = share_rules.after_visit(share, inspected)
        if share.state == "reported_done" and inspected.state == "claimed":
            resumed = clock_rules.give_back(share, workdays, today=closed.closed_on)
            given_back[resumed] = clock_rules.after_resuming(share, resumed)
            shares[share.id] = share_rules.after_visit(given_back[resumed], inspected)
            await outbox.append(tx, resumed)
            await audit.append(tx, tx.actor, resumed)
        earlier = found.get(share.id)
        found[share.id] = inspected if earlier is None else share_rules.together(earlier, inspected)
        if inspected.completed is not None:
            await outbox.append(tx, inspected.completed)
            await audit.append(tx, tx.actor, inspected.completed)
    await share_store.save_inspected(tx, found)
    if given_back:
        await clock_store.save_given_back(tx, given_back)
