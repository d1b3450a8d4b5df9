"""Budgets: what a county may spend on a programme in a year, and whether a run stays within it.

What counts against a budget is what the county owes already of the year's runs, and what lies in other runs that are
frozen and on their way to being owed: two months frozen side by side cannot both spend the same money.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from qingdan.ids import DepartmentCode, ProgrammeCode
from qingdan.money import FenTotal
from runtime.problems import Conflict, Invalid, NotFound
from subsidy.programme_rules import fault

_Line = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
Year = Annotated[int, Field(ge=2000, le=2999)]


class BudgetExceeded(Conflict):
    """The run comes to more than the budgets of some programmes have left. 发放批次超出部分补贴项目的预算余额。

    Raise the budget of each programme named, or correct what it comes to, and preview the run again.
    请追加所列项目的预算，或更正应发内容后重新试算。
    """


class ProgrammeUnknown(NotFound):
    """No version of the programmes has this programme. 任何版本中都没有此补贴项目。"""


class Budget(BaseModel):
    """What may be spent, from which purse, and from which day on that counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    amount_fen: FenTotal = Field(description="of the whole year, not what is added")
    funding_source: Annotated[_Line, Field(min_length=1)]
    effective_on: date
    note: _Line = ""


@dataclass(frozen=True, slots=True)
class Budgeted:
    """A programme in a run for which a budget is set, in fen. obliged: owed already of the year's runs; frozen: in
    other runs that are not owed yet; wanted: what this run comes to, unless that is owed or frozen already."""

    programme: ProgrammeCode
    department: DepartmentCode
    budget_fen: int
    funding_source: str
    obliged_fen: int
    frozen_fen: int
    wanted_fen: int

    @property
    def left_fen(self) -> int:
        """When this run is taken off; below nothing it goes beyond the budget."""
        return self.budget_fen - self.obliged_fen - self.frozen_fen - self.wanted_fen


def require_in_year(budget: Budget, year: int) -> None:
    """Raises Invalid for a day of another year: a budget counts within its own."""
    if budget.effective_on.year != year:
        raise Invalid(
            errors=[
                fault(
                    "/effective_on",
                    "year",
                    f"A budget of {year} counts from a day of {year} on.",
                    f"{year} 年预算须自 {year} 年内某日起生效。",
                )
            ]
        )


def beyond(programmes: Sequence[Budgeted]) -> list[Budgeted]:
    """Those that go beyond their budget by this run; one that wants nothing of it takes nothing."""
    return [each for each in programmes if each.wanted_fen > 0 and each.left_fen < 0]


def require_within(programmes: Sequence[Budgeted]) -> None:
    """Raises BudgetExceeded naming each programme that has a budget and goes beyond it; others are not limited."""
    if exceeded := beyond(programmes):
        raise BudgetExceeded(
            programmes=[
                {
                    "programme": each.programme,
                    "budget_fen": each.budget_fen,
                    "taken_fen": each.obliged_fen + each.frozen_fen,
                    "wanted_fen": each.wanted_fen,
                    "beyond_fen": -each.left_fen,
                }
                for each in exceeded
            ]
        )
