"""Decisions on appeals: a department against a village's no, then the county, for good."""

from collections.abc import Collection
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
    """An appeal is decided by the county. 申诉由县级决定。

    An approver of a department decides for the county where the department sits in a stage of work access.
    部门的审批人仅在所在部门参与准入审批时，方可代表县级作出决定。
    """


class TimeToDecideOver(Refusal):
    """The county let its time pass: the village's no stands. 县级未在期限内作出决定，村的拒绝成立。"""

    status = 409


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
    decide_by: date
    version: int


@dataclass(frozen=True, slots=True)
class Decider:
    """Somebody before an appeal; department: None for whoever is bound to none; approves: has that role."""

    subject: str
    level: DivisionLevel
    department: DepartmentCode | None
    approves: bool

    @property
    def of_county(self) -> bool:
        """Whether it is an approver of the county or above, of whichever department."""
        return self.approves and self.level in _COUNTY_OR_ABOVE


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


def decides_for_county(decider: Decider, seated: Collection[DepartmentCode]) -> bool:
    """Whether an approver speaks for the county: bound to no department, or to one that sits in a stage of access."""
    return decider.of_county and (decider.department is None or decider.department in seated)


def require_county(decider: Decider, seated: Collection[DepartmentCode]) -> None:
    """Raises CountyDecides; to be asked before anything is read as `scope_of` sees it."""
    if not decides_for_county(decider, seated):
        raise CountyDecides()


def department_shown(reader: Decider, seated: Collection[DepartmentCode]) -> DepartmentCode | None:
    """Whose appeals somebody may read; None: all in their scope."""
    return None if decides_for_county(reader, seated) else reader.department


def decide(
    appealed: Appeal, upheld: bool, decider: Decider, seated: Collection[DepartmentCode], *, today: date
) -> RefusalDecided:
    """The county decides: `upheld`, the village's no stands; else the share is on its desk again.

    seated: the departments that sit in a stage of access. Raises CountyDecides, OwnAppeal, AppealDecided,
    TimeToDecideOver.
    """
    require_county(decider, seated)
    if decider.subject == appealed.appealed_by or decider.department == appealed.department:
        raise OwnAppeal()
    if appealed.state != "open":
        raise AppealDecided(ask=str(appealed.ask), state=appealed.state)
    if today > appealed.decide_by:
        raise TimeToDecideOver(ask=str(appealed.ask), decide_by=str(appealed.decide_by))
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
