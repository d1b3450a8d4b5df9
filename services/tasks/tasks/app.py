"""Composition root: what the tasks service is made of."""

from pathlib import Path

from runtime.service import Service
from tasks import consumers, http, list_http, works
from tasks.settings import Settings

service = Service(
    name="tasks",
    version="0.1.0",
    title="Qingdan tasks 轻担清单与任务",
    settings=Settings,
    migrations=Path(__file__).parents[1] / "migrations",
    router=http.router,
    subscriptions=[consumers.on_inspection, consumers.on_signage, consumers.on_access],
    works=[
        *(works.uphold_silent_appeals, works.recount_due_dates, works.withdraw_taken_shares, works.fold_durations),
        *(works.escalate_applications, works.lapse_emergencies),
        *(works.grant_silent_extensions, works.report_burden),
    ],
    media_types=frozenset(list_http.MEDIA_TYPES.values()),
)
