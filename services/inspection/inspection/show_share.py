"""Use case: what this service knows of one village's share, with the village's reports."""

from datetime import date

from pydantic import BaseModel

from inspection import share_store
from inspection.list_shares import ShareView
from qingdan.ids import ShareId
from runtime.actor import Actor
from runtime.db import Pool, transaction


class ReportView(BaseModel):
    """How far the village said it had come."""

    percent: int
    done: bool
    photo_sha256: list[str]
    reported_on: date


class ReportedShare(ShareView):
    """A share with the latest 200 reports on it, oldest first."""

    reports: list[ReportView]


async def show_share(pool: Pool, actor: Actor, share: ShareId) -> ReportedShare:
    """Raises NotFound."""
    async with transaction(pool, actor) as tx:
        row = await share_store.find_share(tx, share)
        reports = await share_store.list_reports(tx, share)
    return ReportedShare(**dict(row), reports=[ReportView(**dict(report)) for report in reports])
