"""Use case: one share, with the village's reports, and what public works took and saved."""

from datetime import date
from decimal import Decimal

from pydantic import BaseModel, Field

from qingdan.ids import ShareId
from qingdan.tasks_events import WorksFacts
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import share_store, works_store
from tasks.list_shares import ShareView
from tasks.works_rules import labour_per_household


class ReportView(BaseModel):
    """How far the village said it had come, and what it said of works."""

    percent: int
    done: bool
    note: str
    photo_sha256: list[str]
    reported_on: date
    works: WorksFacts | None = None


class WorksView(WorksFacts):
    """The latest totals that were told; no assessment counts them."""

    labour_days_per_household: Decimal | None = Field(description="to a tenth, halves up")
    money_saved_yuan: str | None


class ReportedShare(ShareView):
    """A share with the latest 200 reports on it, oldest first."""

    reports: list[ReportView]
    works: WorksView | None = Field(description="null where nothing was told of works")


async def show_share(pool: Pool, actor: Actor, share: ShareId) -> ReportedShare:
    """Raises NotFound, also for another village's share."""
    async with transaction(pool, actor) as tx:
        row = await share_store.find_share(tx, share)
        reports = await share_store.list_reports(tx, share)
        told = await works_store.find_works(tx, share)
    works = None if told is None else WorksFacts(**dict(told))
    return ReportedShare(
        **dict(row),
        reports=[
            ReportView(**dict(report) | {"works": None if (said := report["works"]) is None else _works(said)})
            for report in reports
        ],
        works=None if works is None else _shown(works),
    )


def _works(said: str) -> WorksFacts:
    return WorksFacts.model_validate_json(said)


def _shown(works: WorksFacts) -> WorksView:
    saved = works.money_saved_fen
    return WorksView(
        **dict(works),
        labour_days_per_household=labour_per_household(works.labour_days, works.households_taking_part),
        money_saved_yuan=None if saved is None else saved.yuan(),
    )
