"""The stages that an application passes: whose opinion, in how many working days, and who learns of delay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from qingdan.ids import DepartmentCode, OpenCode, Title
from runtime.problems import Conflict, Invalid, NotFound

StageKind = Literal["ordinary", "emergency"]


class NoStagesInForce(NotFound):
    """No stages are in force for such applications on that day. 该日没有适用的审批环节设置。"""


class StagesNotLater(Conflict):
    """Stages take effect later than those before them, and not in the past.
    审批环节的生效日期须晚于上一设置，且不得早于今日。
    """


class StagesUnfit(Invalid):
    """These stages do not fit together. 审批环节设置有误。

    Name each stage and each of its departments once, and give review_days to emergencies alone.
    每个环节、每个环节内的部门只能出现一次，review_days 仅用于应急事项。
    """


class Stage(BaseModel):
    """One stage: all of its departments must approve."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    code: OpenCode
    title_zh: Title
    title_en: Title
    departments: Annotated[tuple[DepartmentCode, ...], Field(min_length=1, max_length=10)]
    limit_working_days: Annotated[int, Field(ge=1, le=60)]
    escalate_to: Annotated[DepartmentCode, Field(description="learns of it when the limit has passed")]


@dataclass(frozen=True, slots=True)
class StageSet:
    """All stages of a kind of application, in their order; review_days (calendar) for emergencies only."""

    kind: StageKind
    version: int
    effective_on: date
    review_days: int | None
    stages: tuple[Stage, ...]

    def at(self, position: int) -> Stage:
        """The stage at that position, from 1."""
        return self.stages[position - 1]

    @property
    def seated(self) -> frozenset[DepartmentCode]:
        """The departments that sit in a stage."""
        return frozenset(department for stage in self.stages for department in stage.departments)

    @property
    def concerned(self) -> tuple[DepartmentCode, ...]:
        """The departments that sit in a stage or that one escalates to, by code."""
        return tuple(sorted({d for stage in self.stages for d in (*stage.departments, stage.escalate_to)}))


def change_stages(
    kind: StageKind,
    stages: Sequence[Stage],
    review_days: int | None,
    effective_on: date,
    newest: StageSet,
    *,
    today: date,
) -> StageSet:
    """The set that follows `newest`. Raises StagesUnfit, StagesNotLater."""
    codes = [stage.code for stage in stages]
    doubled = len(set(codes)) < len(codes) or any(len(set(s.departments)) < len(s.departments) for s in stages)
    if doubled or (review_days is None) != (kind == "ordinary"):
        raise StagesUnfit(kind=kind)
    if effective_on <= newest.effective_on or effective_on < today:  # what stood on a day that is past, stands
        raise StagesNotLater(later_than=str(newest.effective_on), effective_on_min=str(today))
    return StageSet(kind, newest.version + 1, effective_on, review_days, tuple(stages))
