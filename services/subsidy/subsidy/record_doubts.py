"""Use case: an inspection doubts that people are entitled, or clears its doubts; in any order, however often."""

from qingdan.inspection_events import BeneficiaryDoubted
from runtime import audit
from runtime.db import Tx
from runtime.ids import new_id
from runtime.runs import Run
from subsidy import hold_store
from subsidy.hold_rules import HoldId
from subsidy.hold_store import Doubt


async def record_doubts(tx: Tx, run: Run[BeneficiaryDoubted]) -> None:
    """Everything that the person is entitled to, and would receive for a household or a child, waits until the doubt is
    cleared: money that is paid to the wrong person is rarely paid back. One doubt is one hold; a doubt that was cleared
    before it was heard of holds nothing."""
    doubts = [Doubt(HoldId(new_id()), each.doubt, each.person, each.reason) for each in run]
    await hold_store.insert_doubts(tx, doubts, placed_by=tx.actor.subject)
    for each in doubts:
        audit.note(tx, "doubt.heard", str(each.doubt), {"reason": each.reason})
