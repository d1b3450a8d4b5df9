"""An objection to an item of a public notice: that item alone waits until somebody else has decided on it.

What is said is a code and never a text: whoever objects would name people, illnesses and families in it.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from qingdan.divisions import DivisionCode
from qingdan.ids import ObjectionId, OpenCode, ProgrammeCode, RunId
from qingdan.subsidy_events import ObjectionDecided, ObjectionRaised
from runtime.problems import Conflict, Forbidden
from subsidy.hold_rules import Hold, HoldId
from subsidy.notice_rules import Notice, NoticeOver

ObjectionState = Literal["raised", "upheld", "dismissed"]


class ObjectedAlready(Conflict):
    """You have objected to this item, and nobody has decided yet. 您已对该项提出异议，尚未裁定。"""


class ObjectionOver(Conflict):
    """This objection has been decided on. 该异议已裁定。"""


class DecidedByAnother(Forbidden):
    """Who raised an objection does not decide on it. 异议由谁提出，就不得由谁裁定。

    Ask a colleague who approves. 请由另一位审批人办理。
    """


@dataclass(frozen=True, slots=True)
class Item:
    """What a programme comes to for somebody, by its key."""

    programme: ProgrammeCode
    beneficiary: UUID
    occurrence: str


@dataclass(frozen=True, slots=True)
class Objection:
    """An objection as the rules see it. division: the county of the run."""

    id: ObjectionId
    run: RunId
    division: DivisionCode
    hold: HoldId
    programme: ProgrammeCode
    state: ObjectionState
    raised_by: str


def object_to(
    item: Item,
    notice: Notice,
    objection: ObjectionId,
    hold: HoldId,
    *,
    reason: OpenCode,
    raised_by: str,
    again: bool,
    today: date,
) -> tuple[Hold, ObjectionRaised]:
    """What holds the item, and the event. again: the same person waits for a decision on the same item.

    Raises NoticeOver (of a run that is not frozen any more, or whose last day is past), ObjectedAlready.
    """
    if notice.state != "frozen" or notice.until is None or today > notice.until:
        raise NoticeOver(state=notice.state, notice_until=str(notice.until))
    if again:
        raise ObjectedAlready()
    placed = Hold(
        hold, item.beneficiary, item.programme, item.occurrence, "objection", objection, reason, placed_by=raised_by
    )
    event = ObjectionRaised(
        objection=objection, run=notice.run, division=notice.division, programme=item.programme, raised_on=today
    )
    return placed, event


def decide(objection: Objection, by: str, *, upheld: bool, today: date) -> ObjectionDecided:
    """Upheld: the item is never paid. Dismissed: it is, unless another objection is open. Raises ObjectionOver,
    DecidedByAnother."""
    if objection.state != "raised":
        raise ObjectionOver(state=objection.state)
    if objection.raised_by == by:
        raise DecidedByAnother()
    return ObjectionDecided(
        objection=objection.id,
        run=objection.run,
        division=objection.division,
        programme=objection.programme,
        upheld=upheld,
        decided_on=today,
    )
