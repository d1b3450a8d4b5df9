"""Composition root: what the subsidy service is made of."""

from pathlib import Path

from runtime.service import Service
from subsidy import bank_file_http, consumers, http, works
from subsidy.settings import Settings

service = Service(
    name="subsidy",
    version="0.1.0",
    title="Qingdan subsidy 轻担补贴",
    settings=Settings,
    migrations=Path(__file__).parents[1] / "migrations",
    router=http.router,
    subscriptions=[consumers.on_facts, consumers.on_identities, consumers.on_inspection, consumers.on_bank],
    works=[
        works.map_accounts,
        works.check_accounts,
        works.settle_accounts,
        works.settle_holds,
        works.oblige_run,
        works.instruct_payments,
        works.ask_silent_payments,
        works.make_bank_files,
        works.compare_open_days,
        works.remove_snapshots,
    ],
    media_types=frozenset(bank_file_http.MEDIA_TYPES.values()),
)
