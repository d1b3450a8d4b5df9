"""Events in: what inspection says of visits and signage of removal orders, and what departments apply for."""

from typing import Any

from qingdan.access_events import AccessApplied
from qingdan.inspection_events import VisitClosed
from qingdan.signage_events import RemovalOrdered
from qingdan.topics import IN_ACCESS, INSPECTION, SIGNAGE
from runtime.db import Tx
from runtime.kafka import subscribe, subscribe_each
from runtime.runs import Run
from tasks.complete_inspected_shares import complete_inspected_shares
from tasks.publish_removal_tasks import publish_removal_tasks
from tasks.receive_applications import receive_applications


@subscribe(INSPECTION)
async def on_inspection(tx: Tx, run: Run[Any]) -> None:
    """A closed visit decides on its share."""
    match run:
        case [VisitClosed(), *_]:
            await complete_inspected_shares(tx, run)
        case _:
            pass  # a share waits for the end of its visit only


@subscribe(SIGNAGE)
async def on_signage(tx: Tx, run: Run[Any]) -> None:
    """An order to take a sign down is work for a village."""
    match run:
        case [RemovalOrdered(), *_]:
            await publish_removal_tasks(tx, run)
        case _:
            pass  # what may hang, may not hang, or came down gives no village anything to do


@subscribe_each(IN_ACCESS, codes=lambda settings: settings.departments)
async def on_access(tx: Tx, run: Run[Any]) -> None:
    """A department applies for an item; the envelope has checked that the event is its own."""
    match run:
        case [AccessApplied(), *_]:
            await receive_applications(tx, run)
        case _:
            pass  # the topic has no other event today
