"""Use case: what lies on the asker's desk today, the most urgent first."""

from collections.abc import Sequence
from datetime import date
from typing import Final, get_args

import asyncpg
from pydantic import BaseModel, Field

from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.workday_calendar import calendar
from tasks import today_store
from tasks.clock_rules import DUE_SOON_WORKING_DAYS
from tasks.today_rules import OnDesk, PartName

PER_PART_MAX: Final = 50


class DeskPart(BaseModel):
    """One part of the desk."""

    count: int = Field(description="how many there are")
    shares: list[OnDesk] = Field(description=f"the most urgent of them, at most {PER_PART_MAX}")


class Today(BaseModel):
    """The desk of a village, or of all villages in the asker's scope."""

    on: date
    overdue: DeskPart
    due_today: DeskPart
    due_soon: DeskPart = Field(description=f"within {DUE_SOON_WORKING_DAYS} working days")
    later: DeskPart
    waiting: DeskPart = Field(description="the ball is in somebody else's hands")
    new: DeskPart = Field(description="published, and not claimed yet")


async def show_today(pool: Pool, actor: Actor) -> Today:
    """The desk as it is now; row-level security bounds it to the asker's scope."""
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        soon = (await calendar(tx)).add_working_days(today, DUE_SOON_WORKING_DAYS).on
        rows = await today_store.desk(tx, today=today, soon=soon, per_part_max=PER_PART_MAX)
    return Today(on=today, **{part: _part(rows, part) for part in get_args(PartName)})


def _part(rows: Sequence[asyncpg.Record], name: str) -> DeskPart:
    mine = [row for row in rows if row["part"] == name]
    return DeskPart(count=mine[0]["of"] if mine else 0, shares=[OnDesk(**dict(row)) for row in mine])
