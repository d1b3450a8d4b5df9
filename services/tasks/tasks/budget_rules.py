"""Decisions on budgets: how many hours a village may be asked for in a month, and whom an ask takes beyond them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from qingdan.burden_events import BudgetChanged
from qingdan.divisions import DivisionCode
from qingdan.tasks_events import TaskPublished
from runtime.problems import Refusal


class BeyondBudget(Refusal):
    """This ask takes villages beyond their month's budget of hours; nothing was published or counted.
    该事项将使部分村超出当月工时额度，未发布，也未计入统计。

    Look at villages and what they are asked already; ask later, ask others, or say in beyond_budget_reason why it must
    be now.
    请参阅 villages 及其已承担事项；可改期、改派其他村，或在 beyond_budget_reason 中说明必须现在下达的理由。
    """

    status = 409


class BudgetInThePast(Refusal):
    """A budget begins this month or later. 工时额度须自本月或以后的月份起生效。"""

    status = 422


@dataclass(frozen=True, slots=True)
class Month:
    """What a village is asked for in a month, in person-hours, and its budget; None: it has none."""

    village: DivisionCode
    hours: int
    budget: int | None


@dataclass(frozen=True, slots=True)
class Budgeted:
    """A village's month with one more ask."""

    month: Month
    added: int

    @property
    def after(self) -> int:
        return self.month.hours + self.added

    @property
    def over(self) -> int:
        """Hours beyond the budget with this ask; 0 within it, without one, and for an ask that adds none."""
        if self.month.budget is None or self.added == 0:
            return 0
        return max(0, self.after - self.month.budget)


def month_of(day: date) -> date:
    """The first day of the month."""
    return day.replace(day=1)


def with_ask(months: Iterable[Month], hours: int | None) -> list[Budgeted]:
    """The villages' months with an ask of so many hours each; None: nobody knows how many, it counts as none."""
    return [Budgeted(month, hours or 0) for month in months]


def beyond(budgeted: Sequence[Budgeted], reason: str | None) -> frozenset[DivisionCode]:
    """The villages that the ask takes beyond their budget. Raises BeyondBudget where it does so without a reason."""
    over = [each for each in budgeted if each.over > 0]
    if over and reason is None:
        raise BeyondBudget(
            villages=[
                {
                    "village": str(each.month.village),
                    "hours": each.month.hours,
                    "adds": each.added,
                    "budget": each.month.budget,
                    "over": each.over,
                }
                for each in over
            ]
        )
    return frozenset(each.month.village for each in over)


def told(event: TaskPublished, budgeted: Sequence[Budgeted], over: frozenset[DivisionCode]) -> TaskPublished:
    """The event says how many villages it takes beyond their budget, where any of them has one; never why."""
    if all(each.month.budget is None for each in budgeted):
        return event
    return event.model_copy(update={"villages_beyond_budget": len(over)})


def change(division: DivisionCode, from_month: date, hours_per_village: int | None, *, today: date) -> BudgetChanged:
    """The budget of each village below a division from a month on, any day of which may be named.

    Raises BudgetInThePast.
    """
    first = month_of(from_month)
    if first < month_of(today):
        raise BudgetInThePast(from_month=first.isoformat())
    return BudgetChanged(division=division, from_month=first, hours_per_village=hours_per_village, changed_on=today)
