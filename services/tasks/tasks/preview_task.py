"""Use case: what an ask would meet with, before anybody makes it: the gate's answer and the villages' month."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal

import asyncpg
from pydantic import BaseModel, Field

from qingdan import gate
from qingdan.access_events import ListItem
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask, TurnedDown
from qingdan.ids import MeetingId, TaskId
from qingdan.tasks_events import RefusalCode
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from tasks import (
    budget_rules,
    budget_store,
    division_store,
    list_store,
    meeting_rules,
    meeting_store,
    task_rules,
    task_store,
)
from tasks.budget_rules import Budgeted
from tasks.list_rules import VILLAGE_LIST
from tasks.task_rules import Villages

_LARGEST: Final = 5


class Displaced(BaseModel):
    """Something the village is asked for in the same month."""

    task: TaskId
    department: str
    item: str | None
    title_zh: str
    title_en: str
    hours: int


class VillagePreview(BaseModel):
    """A village's month, with and without the ask, in person-hours."""

    village: DivisionCode
    hours_before: int
    adds: int
    hours_after: int
    budget: int | None = Field(description="null: none")
    over: int = Field(description="how far beyond the budget the ask takes it")
    largest: list[Displaced] = Field(description="what fills the month, of villages that the ask takes beyond it")


class TaskPreview(BaseModel):
    """Nothing is written or counted."""

    verdict: Literal["passes", "refused"]
    code: RefusalCode | None = Field(description="why the gate would say no")
    item: str | None = Field(description="the item that covers the ask, or what is nearest to it")
    earlier_task: TaskId | None = Field(description="what a duplicate would repeat")
    list_version: int
    hours_estimate: int | None = Field(description="per village; null: unknown, counted as none")
    needs_reason: bool = Field(description="publishing would need a beyond_budget_reason")
    villages: list[VillagePreview]


async def preview_task(
    pool: Pool, actor: Actor, meeting_id: MeetingId, ask: Ask, villages: Villages, duplicate_window: timedelta
) -> TaskPreview:
    """Raises Forbidden, NotFound, MeetingIsClosed, NoListInForce, VillagesNotInMeeting, NoVillages, as publishing does.

    Over a budget it raises nothing: it says so.
    """
    actor.require(Role.TOWN_STAFF)
    today = business_date(utcnow())
    month = budget_rules.month_of(today)
    async with transaction(pool, actor) as tx:
        meeting, _ = await meeting_store.find_meeting(tx, meeting_id)
        meeting_rules.require_open(meeting)
        chosen = task_rules.choose_villages(villages, await division_store.villages_of(tx, meeting.division))
        standing = await list_store.standing_list(tx, VILLAGE_LIST, today)
        verdict = gate.decide(ask, standing, today)
        if isinstance(verdict, ListItem):
            # As publish_task asks, but without a lock: what is previewed may change before it is asked.
            scope = await division_store.villages_of(tx, verdict.division) if verdict.division else None
            limited = verdict.asks_per_village_year_max is not None
            asked = await task_store.count_asks_of_year(tx, verdict.code, chosen, today.year) if limited else {}
            earlier = await task_store.list_earlier_asks(tx, ask, chosen, today - duplicate_window)
            verdict = (
                gate.within_item(verdict, chosen, asked, scope)
                or gate.duplicate_of(ask, verdict, chosen, earlier, standing)
                or verdict
            )
        hours = verdict.hours_estimate if isinstance(verdict, ListItem) else None
        months = budget_rules.with_ask(await budget_store.months_of(tx, chosen, month), hours)
        over = [chosen[each.month.village] for each in months if each.over > 0]
        largest = await budget_store.largest_asks(tx, over, month, _LARGEST)
    return _preview(verdict, standing.version, months, largest)


def _preview(
    verdict: ListItem | TurnedDown, version: int, months: Sequence[Budgeted], largest: Sequence[asyncpg.Record]
) -> TaskPreview:
    refused = verdict if isinstance(verdict, TurnedDown) else None
    item = verdict if isinstance(verdict, ListItem) else verdict.nearest
    return TaskPreview(
        verdict="refused" if refused else "passes",
        code=refused and refused.code,
        item=item and item.code,
        earlier_task=refused.earlier.task if refused and refused.earlier else None,
        list_version=version,
        hours_estimate=None if isinstance(verdict, TurnedDown) else verdict.hours_estimate,
        needs_reason=any(each.over > 0 for each in months),
        villages=[
            VillagePreview(
                village=each.month.village,
                hours_before=each.month.hours,
                adds=each.added,
                hours_after=each.after,
                budget=each.month.budget,
                over=each.over,
                largest=[Displaced(**dict(row)) for row in largest if row["village"] == each.month.village],
            )
            for each in months
        ],
    )
