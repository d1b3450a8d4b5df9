"""What makes a delegation fit: to another person, within a department, for a time that is not over."""

from datetime import date
from typing import Final

from runtime.problems import Conflict, Forbidden, Invalid

DAYS_MAX: Final = 183  # half a year: who is away longer is replaced, not represented


class NoDepartment(Forbidden):
    """You belong to no department in which you could be represented. 您不属于任何部门，无法在部门内委托。"""


class DelegationUnfit(Invalid):
    """A delegation is to another person, and for at most half a year that is not over yet.
    委托须委托他人办理，期限不超过半年，且不得已经届满。
    """


class DelegationOver(Conflict):
    """This delegation is over or has been revoked. 该委托已届满或已撤销。"""


def check_delegation(
    delegator: str, department: str | None, delegate: str, from_on: date, to_on: date, today: date
) -> str:
    """The department in which the delegation holds. Raises NoDepartment, DelegationUnfit."""
    if department is None:
        raise NoDepartment()
    if delegate == delegator or not (max(from_on, today) <= to_on and (to_on - from_on).days <= DAYS_MAX):
        raise DelegationUnfit(days_max=DAYS_MAX)
    return department


def check_revocation(to_on: date, revoked_on: date | None, today: date) -> None:
    """Raises DelegationOver for what does not hold any more."""
    if revoked_on is not None or to_on < today:
        raise DelegationOver(to_on=str(to_on))
