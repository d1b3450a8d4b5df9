"""Use case: one share, with the village's reports."""

from datetime import date

from pydantic import BaseModel

from qingdan.ids import ShareId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import share_store
from tasks.list_shares import ShareView


class ReportView(BaseModel):
    """How far the village said it had come."""

    percent: int
    done: bool
    note: str
    photo_sha256: list[str]
    reported_on: date


class ReportedShare(ShareView):
    """A share with the latest 200 reports on it, oldest first."""

    reports: list[ReportView]


async def show_share(pool: Pool, actor: Actor, share: ShareId) -> ReportedShare:
    """Raises NotFound, also for another village's share."""
    async with transaction(pool, actor) as tx:
        row = await share_store.find_share(tx, share)
        reports = await share_store.list_reports(tx, share)
    return ReportedShare(**dict(row), reports=[ReportView(**dict(report)) for report in reports])
