"""An adjustment: a month that was paid, computed again with what is known today, and what two people make of it.

The month's own run stays as it was. What more is due is paid as arrears, without interest; what too much arrived is
asked back; both are rows of their own. What nobody knows, and what did not arrive, is never asked back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from qingdan.divisions import DivisionCode
from qingdan.ids import AdjustmentId, ProgrammeCode, RunId
from qingdan.subsidy_events import Outcome, Period, PeriodAdjusted
from runtime.problems import Conflict, Forbidden, NotFound
from subsidy.programme_rules import Compiled
from subsidy.run_rules import Run, RunNotThere

AdjustmentState = Literal["proposed", "decided", "dropped"]
AdjustmentReason = Literal[
    "newly_entitled",
    "amount_changed",
    "no_longer_entitled",
    "not_paid",  # it was owed and never arrived, and is due no more: nothing is asked back
    "undetermined",  # facts are missing that would decide: who was paid keeps it
    "not_here",  # registered here no more: what was true of them then cannot be computed here
    "withheld",  # the run itself entitled to it, and it was not owed then: an objection, or another county was first
    "recovery_open",  # more is due, and money of the same month is still being asked back: that comes first
]

ONLY_MAX: Final = 1_000
_COUNTED_TODAY: Final = frozenset({"temporary_aid_count_year", "migrant_support_years_used"})
"""Facts that count what we paid up to today: not as they were when the month was computed."""


class NothingRunYet(NotFound):
    """No run of that month has been paid in this county. 该县本月尚无已支付的批次。"""


class NothingToAdjust(Conflict):
    """This adjustment comes to nothing: nobody is owed more, and nobody is asked for anything. 本次调整没有任何差额。

    Drop it, or compute it again when a fact has come. 请撤销，或待数据更新后重新计算。
    """


class AdjustmentEnded(Conflict):
    """This adjustment is decided or dropped. 该调整已决定或已撤销。

    Compute the month again for another one. 如需再次调整，请重新计算该月。
    """


class AnotherPersonDecides(Forbidden):
    """Who computed an adjustment does not decide on it. 计算调整的人不得作出决定。

    Ask a colleague who approves. 请由另一位审批人办理。
    """


class ItemsDiffer(Conflict):
    """This is not the hash of what the adjustment comes to. 哈希值与调整内容不符。

    Look at it again, and decide on what you see. 请重新查看后再决定。
    """


class BooksMoved(Conflict):
    """Payments of that month have moved since it was computed. 计算之后该月的支付状态已变化。

    Have it computed again. 请重新计算。
    """


@dataclass(frozen=True, slots=True)
class Adjustment:
    """number: the how-manieth of its county and month. items_hash: None until it was computed."""

    id: AdjustmentId
    run: RunId
    division: DivisionCode
    period: Period
    number: int
    state: AdjustmentState
    prepared_by: str
    items_hash: bytes | None
    arrears: Outcome
    recoveries: Outcome
    version: int


def adjustable(due: Sequence[Compiled]) -> list[Compiled]:
    """The programmes of a month that can be computed again: those that are paid once for each month.

    What is paid on occurrence (once a year, ever, for each of the dead) comes with the next run as soon as it is due,
    and whose turn it was cannot be told apart afterwards. Neither can who stood back for it: whatever excludes such a
    programme, over however many steps, stays out too, and so does what counts our own payments as of today.
    """
    left_out: set[ProgrammeCode] = {
        each.programme.code
        for each in due
        if each.programme.once_per != "period" or _COUNTED_TODAY & {fact.name for fact in each.facts}
    }
    while True:
        tied = {
            each.programme.code
            for each in due
            if each.programme.code not in left_out and left_out & {*each.programme.excludes}
        }
        if not tied:
            return [each for each in due if each.programme.code not in left_out]
        left_out |= tied


def require_paid(run: Run | None) -> Run:
    """The run of a month that can be adjusted. Raises NothingRunYet, RunNotThere."""
    if run is None:
        raise NothingRunYet()
    if run.state not in ("paying", "closed"):
        raise RunNotThere(state=run.state)
    return run


def require_proposed(adjustment: Adjustment) -> None:
    """Raises AdjustmentEnded."""
    if adjustment.state != "proposed":
        raise AdjustmentEnded(state=adjustment.state)


def decide(adjustment: Adjustment, decider: str, *, seen: bytes) -> None:
    """Another person decides on exactly what was computed: `seen` is the hash that they name.

    Raises AdjustmentEnded, AnotherPersonDecides, ItemsDiffer, NothingToAdjust.
    """
    require_proposed(adjustment)
    if decider == adjustment.prepared_by:
        raise AnotherPersonDecides()
    if seen != adjustment.items_hash:
        raise ItemsDiffer()
    if not adjustment.arrears.payments + adjustment.recoveries.payments:
        raise NothingToAdjust()


def adjusted(adjustment: Adjustment, obliged: Outcome, *, today: date) -> PeriodAdjusted:
    """The event. obliged: the arrears that nobody else had come to first."""
    return PeriodAdjusted(
        adjustment=adjustment.id,
        division=adjustment.division,
        period=adjustment.period,
        arrears=obliged,
        recoveries=adjustment.recoveries,
        adjusted_on=today,
    )


def occurrence_of_more(period: Period, number: int) -> str:
    """What arrears are owed for to somebody to whom something of that month is owed already: a thing of its own."""
    return f"{period}+{number}"
