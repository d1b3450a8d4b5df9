"""Events of the burden ledger: how many hours villages are asked for, and what they may be asked (`pub.tasks.v1`)."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.event import ContractModel, EventBody
from qingdan.ids import DepartmentCode, ItemCode, OpenCode

_Count = Annotated[int, Field(ge=0, le=100_000_000)]


class BudgetChanged(EventBody):
    """How many person-hours each village below a division may be asked for in a month, from a month on."""

    KEY: ClassVar[str] = "division"

    type: Literal["budget.changed.v1"] = "budget.changed.v1"
    division: DivisionCode
    from_month: date = Field(description="its first day")
    hours_per_village: Annotated[int, Field(ge=0, le=100_000)] | None = Field(description="null: no budget any more")
    changed_on: date


class BurdenLine(ContractModel):
    """What one department asked under one part of the list within a month."""

    department: DepartmentCode
    category: OpenCode = Field(description="the part of the list, as in `statutory`; `other` for what stands on none")
    asks: _Count = Field(description="tasks published")
    shares: _Count = Field(description="villages asked, each as often as it was asked")
    hours: _Count = Field(description="person-hours asked for, less those of what was withdrawn or lawfully refused")
    beyond_budget: _Count = Field(description="shares that took a village beyond its budget")
    refused_at_gate: _Count
    refused_by_villages: _Count
    merged: _Count


class BurdenReported(EventBody):
    """A month's burden on the villages below a division: the list's effect."""

    KEY: ClassVar[str] = "division"

    type: Literal["burden.reported.v1"] = "burden.reported.v1"
    division: DivisionCode
    month: date = Field(description="its first day")
    lines: Annotated[tuple[BurdenLine, ...], Field(max_length=1000)]
    items_never_used: Annotated[tuple[ItemCode, ...], Field(max_length=500)] = Field(
        description="items in force at the month's end under which nothing was asked for twelve months"
    )
    items_always_late: Annotated[tuple[ItemCode, ...], Field(max_length=500)] = Field(
        description="items of which no finished share was on time in twelve months"
    )
    reported_on: date
