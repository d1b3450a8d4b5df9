"""Composition root: what the inspection service is made of."""

from pathlib import Path

from inspection import consumers, http
from inspection.settings import Settings
from runtime.service import Service

service = Service(
    name="inspection",
    version="0.1.0",
    title="Qingdan inspection 轻担督查",
    settings=Settings,
    migrations=Path(__file__).parents[1] / "migrations",
    router=http.router,
    subscriptions=[consumers.on_tasks],
)
