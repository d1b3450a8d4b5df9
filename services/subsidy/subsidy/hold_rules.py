"""A hold keeps items from being paid for now, for one cause; lifting it lets them be paid, or stops them for good.

It keeps back what has not been sent: money that went to a bank is never called back by it.
"""

from dataclasses import dataclass
from typing import Final, Literal, NewType
from uuid import UUID

from qingdan.ids import OpenCode, ProgrammeCode
from runtime.problems import Conflict, Forbidden, Refusal

HoldId = NewType("HoldId", UUID)
Cause = Literal["objection", "doubt", "death", "manual"]
HoldOutcome = Literal["resume", "stop"]

ALL_DEPARTMENTS: Final = "*"
"""The department of a hold on everything of somebody: seen by whoever is bound to none."""

DEATH_REASON: Final = "died"


class HoldLifted(Conflict):
    """This hold has been lifted already. 该暂停已解除。"""


class LiftedByAnother(Forbidden):
    """Who placed a hold does not lift it. 暂停由谁提出，就不得由谁解除。

    Ask a colleague who approves. 请由另一位审批人办理。
    """


class DecidedElsewhere(Conflict):
    """This hold ends with what it was placed for. 该暂停须随其事由一并了结。

    An objection is decided on at /v1/objections; a doubt is cleared by the inspection, or its items are stopped here.
    异议请在异议列表中裁定；核查存疑由督查解除，或在此停止发放。
    """


class OthersWait(Conflict):
    """The living are owed what this person was to receive for them. 该人已故，其代领的款项尚有在世对象等待发放。

    Name another payee for each item first (POST /v1/payee-changes), or preview the run again; `items` says how many.
    请先逐项变更领取人，或重新试算批次；items 为待办项数。
    """


class OccurrenceOfWhat(Refusal):
    """An occurrence is held with its programme only. 指定发放期次时须同时指定项目。"""

    status = 422


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as the rules see it. programme None: all of them; occurrence None: all of the programme's."""

    id: HoldId
    beneficiary: UUID
    programme: ProgrammeCode | None
    occurrence: str | None
    cause: Cause
    cause_id: UUID
    reason: OpenCode
    placed_by: str
    lifted: bool = False


def suspend(
    hold: HoldId,
    beneficiary: UUID,
    programme: ProgrammeCode | None,
    occurrence: str | None,
    *,
    reason: OpenCode,
    placed_by: str,
) -> Hold:
    """Somebody of finance holds what there is of a person or household, or one item. Raises OccurrenceOfWhat."""
    if occurrence is not None and programme is None:
        raise OccurrenceOfWhat()
    return Hold(hold, beneficiary, programme, occurrence, "manual", hold, reason, placed_by)


def lift(hold: Hold, by: str, outcome: HoldOutcome) -> None:
    """Whether a second person may lift it so. Raises HoldLifted, DecidedElsewhere, LiftedByAnother."""
    if hold.lifted:
        raise HoldLifted()
    if hold.cause == "objection" or (hold.cause == "doubt" and outcome == "resume"):
        raise DecidedElsewhere(cause=hold.cause)
    if hold.placed_by == by:
        raise LiftedByAnother()


def require_nobody_else(items: int) -> None:
    """`items`: what living people and households are still to get through somebody who died. Lifted, it would go to the
    account of the dead; stopped, it would be lost to them. Raises OthersWait.
    """
    if items:
        raise OthersWait(items=items)
