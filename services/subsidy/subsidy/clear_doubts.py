"""Use case: an inspection clears doubts about people: what was held for them goes on."""

from qingdan.inspection_events import DoubtCleared
from runtime import audit
from runtime.db import Tx
from runtime.ids import new_id
from runtime.runs import Run
from subsidy import hold_store
from subsidy.hold_rules import HoldId
from subsidy.hold_store import Doubt


async def clear_doubts(tx: Tx, run: Run[DoubtCleared]) -> None:
    """The service lifts the hold itself. One that finance has ended by stopping the items stays as it is."""
    doubts = {each.doubt: Doubt(HoldId(new_id()), each.doubt, each.person, "cleared") for each in run}
    await hold_store.clear_doubts(tx, list(doubts.values()), lifted_by=tx.actor.subject)
    for doubt in doubts:
        audit.note(tx, "doubt.cleared", str(doubt), {})
