"""Composition root: what the subsidy service is made of."""

from pathlib import Path

from runtime.service import Service
from subsidy import consumers, http, works
from subsidy.settings import Settings

service = Service(
    name="subsidy",
    version="0.1.0",
    title="Qingdan subsidy 轻担补贴",
    settings=Settings,
    migrations=Path(__file__).parents[1] / "migrations",
    router=http.router,
    subscriptions=[consumers.on_facts, consumers.on_identities, consumers.on_bank],
    works=[works.instruct_payments, works.ask_silent_payments],
)
