"""Events in: what the tasks service says of shares."""

from typing import Any

from inspection.plan_completion_visits import plan_completion_visits
from inspection.record_claims import record_claims
from inspection.record_completions import record_completions
from inspection.record_due_dates import record_due_dates
from inspection.record_refusals import record_refusals
from inspection.record_reports import record_reports
from inspection.record_tasks import record_tasks
from inspection.record_withdrawals import record_withdrawals
from qingdan.tasks_events import (
    ShareClaimed,
    ShareCompleted,
    ShareLimitChanged,
    ShareProgressed,
    ShareRefused,
    ShareReportedDone,
    ShareResumed,
    ShareWithdrawn,
    TaskPublished,
)
from qingdan.topics import TASKS
from runtime.db import Tx
from runtime.kafka import subscribe
from runtime.runs import Run


@subscribe(TASKS)
async def on_tasks(tx: Tx, run: Run[Any]) -> None:
    """A task's events come in order. A task whose beginning was missed is known by what is heard of it from then on."""
    match run:
        case [TaskPublished(), *_]:
            await record_tasks(tx, run)
        case [ShareClaimed(), *_]:
            await record_claims(tx, run)
        case [ShareLimitChanged() | ShareResumed(), *_]:
            await record_due_dates(tx, run)
        case [ShareProgressed(), *_]:
            await record_reports(tx, run)
        case [ShareReportedDone(), *_]:
            await record_reports(tx, run)
            await plan_completion_visits(tx, run)
        case [ShareRefused(), *_]:
            await record_refusals(tx, run)
        case [ShareWithdrawn(), *_]:
            await record_withdrawals(tx, run)
        case [ShareCompleted(), *_]:
            await record_completions(tx, run)
        case _:
            pass  # an ask refused at the gate has no share to inspect
