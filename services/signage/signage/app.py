"""Composition root: what the signage service is made of."""

from pathlib import Path

from runtime.service import Service
from signage import consumers, http
from signage.settings import Settings

service = Service(
    name="signage",
    version="0.1.0",
    title="Qingdan signage 轻担牌子",
    settings=Settings,
    migrations=Path(__file__).parents[1] / "migrations",
    router=http.router,
    subscriptions=[consumers.on_tasks, consumers.on_inspection, consumers.on_access],
)
