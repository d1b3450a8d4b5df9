"""Events in: what became of the tasks that removal orders turned into, what visits saw, and what the list allows."""

from typing import Any

from qingdan.access_events import ListVersionTookEffect
from qingdan.inspection_events import VisitClosed
from qingdan.tasks_events import ShareClaimed, ShareRefused, ShareReportedDone, TaskPublished
from qingdan.topics import ACCESS, INSPECTION, TASKS
from runtime.db import Tx
from runtime.kafka import subscribe
from runtime.runs import Run
from signage.follow_lists import follow_lists
from signage.follow_tasks import follow_tasks
from signage.remove_signs import remove_signs


@subscribe(TASKS)
async def on_tasks(tx: Tx, run: Run[Any]) -> None:
    """An order's task is published, claimed, reported as done, or refused by its village."""
    match run:
        case [TaskPublished() | ShareClaimed() | ShareReportedDone() | ShareRefused(), *_]:
            await follow_tasks(tx, run)
        case _:
            pass  # a sign is down when a visit has seen it, whatever else its task says


@subscribe(INSPECTION)
async def on_inspection(tx: Tx, run: Run[Any]) -> None:
    """The end of a visit decides on its order."""
    match run:
        case [VisitClosed(), *_]:
            await remove_signs(tx, run)
        case _:
            pass  # an order waits for the end of its visit only


@subscribe(ACCESS)
async def on_access(tx: Tx, run: Run[Any]) -> None:
    """What may be asked of villages has changed."""
    match run:
        case [ListVersionTookEffect(), *_]:
            await follow_lists(tx, run)
        case _:
            pass  # an application changes nothing until its list takes effect
