"""Place: to whom a change belongs, and whether a listener may see it: what row-level security says of its rows."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias
from uuid import UUID

from qingdan.divisions import DivisionCode

Above: TypeAlias = Callable[[str], Collection[str]]
"""The codes of a division and of all above it; nothing for a code that is not in the tree."""


class Sight(Enum):
    """How much of a change somebody sees."""

    NOTHING = "nothing"
    PARTS = "parts"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of a change lie.

    division: of its row; None shows it to nobody. parts: divisions that have a row of their own for their part of it
    (a village's share of a task). department: of those rows, where their table is bound to one. department_of: the
    aggregate that knows it, where the event does not say it.
    """

    division: DivisionCode | None
    parts: tuple[DivisionCode, ...] = ()
    department: str | None = None
    department_of: UUID | None = None

    @property
    def is_bound_to_department(self) -> bool:
        """Whether department staff sees it only as its own department's."""
        return self.department is not None or self.department_of is not None


NOWHERE = Place(division=None)


def sight(place: Place, root: DivisionCode, above: Above) -> Sight:
    """What somebody sees of a change whose scope is the subtree of `root`, the department left aside."""
    if place.division is None:
        return Sight.NOTHING
    if root in above(place.division):
        return Sight.WHOLE
    return Sight.PARTS if parts_below(place, root, above) else Sight.NOTHING


def parts_below(place: Place, root: DivisionCode, above: Above) -> set[DivisionCode]:
    """Those parts of a change that lie in the subtree of `root`."""
    return {part for part in place.parts if root in above(part)}


def department_admits(place: Place, bound_to: str | None, department: str | None) -> bool:
    """The other half of the policy: somebody who is bound to a department sees only its rows, and those of tables that
    know no department.

    bound_to: the listener's department, None when it is bound to none. department: the rows', None when nobody knows.
    """
    return bound_to is None or not place.is_bound_to_department or department == bound_to
