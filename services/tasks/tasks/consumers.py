"""Events in: what the inspection service says of visits."""

from typing import Any

from qingdan.inspection_events import VisitClosed
from qingdan.topics import INSPECTION
from runtime.db import Tx
from runtime.kafka import subscribe
from runtime.runs import Run
from tasks.complete_inspected_share import complete_inspected_share


@subscribe(INSPECTION)
async def on_inspection(tx: Tx, run: Run[Any]) -> None:
    """A closed visit decides on its share, one by one: each is locked and may cause events of its own."""
    match run:
        case [VisitClosed(), *_]:
            for closed in run.each():
                await complete_inspected_share(tx, closed)
        case _:
            pass  # a share waits for the end of its visit only
