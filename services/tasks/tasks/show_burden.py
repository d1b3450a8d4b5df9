"""Use case: what the villages below a division were asked for, live: lines, the list's effect, and what nobody uses."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.burden_events import BurdenLine
from qingdan.divisions import DivisionCode
from qingdan.ids import ItemCode
from runtime.actor import Actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from tasks import burden_rules, burden_store, list_store
from tasks.list_rules import VILLAGE_LIST, NoListInForce


class Totals(BaseModel):
    """The sum of all lines."""

    asks: int
    shares: int
    hours: int = Field(description="person-hours, without those of what was withdrawn or refused by a village")
    beyond_budget: int
    refused_at_gate: int
    refused_by_villages: int
    merged: int


class MonthTotals(Totals):
    """What was asked in one month."""

    month: date
    unpriced: int = Field(description="shares of which nobody knows the hours")
    withdrawn: int


class BurdenView(BaseModel):
    """Everything is counted from rows that the asker sees: a department its own, a village its own."""

    division: DivisionCode
    from_month: date
    to_month: date
    lines: list[BurdenLine]
    totals: Totals
    effect: list[MonthTotals] = Field(
        description="the last month, the month before it, and the same month of the year before"
    )
    items_never_used: list[ItemCode] = Field(
        description="in force at the end, nothing asked under them in twelve months; a department's: what it may ask"
    )
    items_always_late: list[ItemCode] = Field(description="finished in twelve months, and never on time")


async def show_burden(
    pool: Pool, actor: Actor, division: DivisionCode | None, from_month: date | None, to_month: date | None
) -> BurdenView:
    """The division's own subtree, the actor's unless one is named, this month unless others are.

    Raises DivisionUnknown, also for one outside the actor's scope, and MonthsOutOfOrder.
    """
    today = business_date(utcnow())
    first, last = burden_rules.span(from_month, to_month, today=today)
    since = burden_rules.months_before(last, burden_rules.LOOK_BACK_MONTHS - 1)
    code = division or actor.division
    async with transaction(pool, actor) as tx:
        id_ = await id_in_scope(tx, code)
        lines = await burden_store.lines_of(tx, id_, code.level, first, last)
        months = await burden_store.months_of(tx, id_, code.level, burden_rules.compared(last))
        used = await burden_store.used_items(tx, id_, since, last)
        late = await burden_store.items_always_late(tx, id_, since, last)
        on = min(today, burden_rules.last_day_of(last))
        try:
            items = (await list_store.list_in_force(tx, VILLAGE_LIST, on)).published().items
        except NoListInForce:
            items = ()
    nothing = dict.fromkeys((*burden_rules.COUNTS, "unpriced", "withdrawn"), 0)
    return BurdenView(
        division=code,
        from_month=first,
        to_month=last,
        lines=lines,
        totals=Totals(**burden_rules.total(lines)),
        effect=[MonthTotals(month=month, **months.get(month, nothing)) for month in burden_rules.compared(last)],
        items_never_used=burden_rules.never_used(items, used, on=on, asker=actor.department),
        items_always_late=late,
    )
