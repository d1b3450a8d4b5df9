"""Use case: before it sets its limit, a village sees how long such tasks took and what is on its desk."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from qingdan.ids import ShareId
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import duration_store, hint_rules


class TookView(BaseModel):
    """How long such tasks took in the county within the last three years, in working days."""

    like: Literal["item", "department_and_kind"] = Field(description="what `such` means: the same item of the list, …")
    shares: int = Field(description="how many were finished")
    median_working_days: int
    p80_working_days: int = Field(description="four of five took no longer than this")


class DeskView(BaseModel):
    """What the village has in hand beside this share."""

    unclaimed: int
    claimed: int
    overdue: int
    hours_claimed: int = Field(description="person-hours estimated for what is claimed")
    due_first: list[date] = Field(description="the five earliest due dates of what is claimed")


class Hints(BaseModel):
    """Numbers only, never whose; `took` is null where fewer than five shares could tell."""

    share: ShareId
    took: TookView | None
    desk: DeskView


async def show_hints(pool: Pool, actor: Actor, share: ShareId) -> Hints:
    """Raises NotFound, also for another village's share."""
    today = business_date(utcnow())
    since = hint_rules.since(today)
    async with transaction(pool, actor) as tx:
        row = await duration_store.find_share(tx, share)
        took = None
        if row["item_code"]:
            took = hint_rules.took("item", await duration_store.durations_of_item(tx, row["item_code"], since))
        if took is None:
            durations = await duration_store.durations_of_kind(tx, row["department"], row["kind"], since)
            took = hint_rules.took("department_and_kind", durations)
        desk = dict(await duration_store.desk_of(tx, row["division_id"], share, today))
    view = took and TookView(
        like=took.like, shares=took.shares, median_working_days=took.median, p80_working_days=took.most
    )
    return Hints(share=share, took=view, desk=DeskView(**desk | {"due_first": desk["due_first"] or []}))
