"""Use case: the months' reports of what villages were asked for."""

import json
from datetime import date
from typing import NamedTuple

from pydantic import BaseModel

from qingdan.burden_events import BurdenLine
from qingdan.divisions import DivisionCode
from qingdan.ids import ItemCode
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import burden_store


class ReportPosition(NamedTuple):
    """Where a page of reports ends."""

    month: date
    division: DivisionCode


class BurdenReportView(BaseModel):
    """A month's report as it was told; a department sees its own lines."""

    division: DivisionCode
    month: date
    lines: list[BurdenLine]
    items_never_used: list[ItemCode]
    items_always_late: list[ItemCode]
    reported_on: date

    @property
    def position(self) -> ReportPosition:
        """Its place in the list, where the next page begins."""
        return ReportPosition(self.month, self.division)


async def list_burden_reports(
    pool: Pool, actor: Actor, *, division: DivisionCode | None, after: ReportPosition | None, limit: int
) -> list[BurdenReportView]:
    """At most `limit` reports, the newest month first, of divisions in scope or of the one named."""
    async with transaction(pool, actor) as tx:
        rows = await burden_store.list_reports(tx, division=division, after=after, limit=limit)
    return [BurdenReportView(**dict(row) | {"lines": json.loads(row["lines"])}) for row in rows]
