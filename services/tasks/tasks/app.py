"""Composition root: what the tasks service is made of."""

from pathlib import Path

from runtime.service import Service
from tasks import consumers, http
from tasks.settings import Settings

service = Service(
    name="tasks",
    version="0.1.0",
    title="Qingdan tasks 轻担清单与任务",
    settings=Settings,
    migrations=Path(__file__).parents[1] / "migrations",
    router=http.router,
    subscriptions=[consumers.on_inspection, consumers.on_signage],
)
