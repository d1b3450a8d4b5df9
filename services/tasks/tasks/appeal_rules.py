"""Decisions on appeals: a department against a village's no, then the county, for good."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import AskId, DepartmentCode, ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import RefusalAppealed, RefusalDecided
from runtime.problems import Forbidden, Refusal
from runtime.workdays import Calendar

AppealState = Literal["open", "upheld", "overturned"]

APPEAL_WITHIN_WORKING_DAYS: Final = 10  # after the village's no
DECIDE_WITHIN_WORKING_DAYS: Final = 10  # after the appeal; then the no stands by itself

_COUNTY_OR_ABOVE: Final = {DivisionLevel.COUNTRY, DivisionLevel.PROVINCE, DivisionLevel.CITY, DivisionLevel.COUNTY}


class OnlyVillagesNo(Refusal):
    """Only a village's no can be appealed against. 只能对村的拒绝提出申诉。

    What the gate refused needs access: apply for it. 被准入关口拒绝的事项，请申请准入。
    """

    status = 409


class AppealTooLate(Refusal):
    """The time in which this no could be appealed against is over. 申诉期限已过。"""

    status = 409


class AlreadyAppealed(Refusal):
    """This no has been appealed against; there is one appeal. 该拒绝已申诉，每项拒绝只能申诉一次。"""

    status = 409


class AppealDecided(Refusal):
    """This appeal has been decided, for good. 该申诉已作出最终决定。"""

    status = 409


class OwnAppeal(Forbidden):
    """Nobody decides on an appeal of their own or of their own department. 不得决定本人或本部门提出的申诉。"""


class CountyDecides(Forbidden):
    """An appeal is decided by the county. 申诉由县级决定。"""


@dataclass(frozen=True, slots=True)
class RefusedAsk:
    """A no as it stands; share and task are there for a village's."""

    ask: AskId
    share: ShareId | None
    task: TaskId | None
    village: DivisionCode
    department: DepartmentCode
    origin: Origin | None
    refused_on: date
    appealed: bool


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal as it stands."""

    ask: AskId
    share: ShareId
    task: TaskId
    village: DivisionCode
    department: DepartmentCode
    origin: Origin
    appealed_by: str
    state: AppealState
    version: int


def appeal(refused: RefusedAsk, calendar: Calendar, *, today: date) -> RefusalAppealed:
    """The department appeals; the clock is on the county from now on.

    Raises OnlyVillagesNo, AlreadyAppealed, AppealTooLate.
    """
    if refused.share is None or refused.task is None or refused.origin is None:
        raise OnlyVillagesNo(ask=str(refused.ask))
    if refused.appealed:
        raise AlreadyAppealed(ask=str(refused.ask))
    latest = calendar.add_working_days(refused.refused_on, APPEAL_WITHIN_WORKING_DAYS).on
    if today > latest:
        raise AppealTooLate(ask=str(refused.ask), latest=str(latest))
    return RefusalAppealed(
        ask=refused.ask,
        task=refused.task,
        share=refused.share,
        village=refused.village,
        department=refused.department,
        appealed_on=today,
        decide_by=calendar.add_working_days(today, DECIDE_WITHIN_WORKING_DAYS).on,
        origin=refused.origin,
    )


def decide(
    appealed: Appeal, upheld: bool, *, level: DivisionLevel, subject: str, department: str | None, today: date
) -> RefusalDecided:
    """The county decides: `upheld`, the village's no stands; else the share is on its desk again.

    level, subject and department are the decider's. Raises CountyDecides, OwnAppeal, AppealDecided.
    """
    if level not in _COUNTY_OR_ABOVE:
        raise CountyDecides()
    if subject == appealed.appealed_by or department == appealed.department:
        raise OwnAppeal()
    if appealed.state != "open":
        raise AppealDecided(ask=str(appealed.ask), state=appealed.state)
    return _decided(appealed, upheld, today)


def let_stand(appealed: Appeal, *, today: date) -> RefusalDecided:
    """The county let its time pass: the no stands by itself."""
    assert appealed.state == "open"
    return _decided(appealed, True, today)


def _decided(appealed: Appeal, upheld: bool, today: date) -> RefusalDecided:
    return RefusalDecided(
        ask=appealed.ask,
        task=appealed.task,
        share=appealed.share,
        village=appealed.village,
        department=appealed.department,
        upheld=upheld,
        decided_on=today,
        origin=appealed.origin,
    )
