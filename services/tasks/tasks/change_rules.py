"""Rules of the stream of changes: whose rows an event of this service tells of. Pure: no I/O, no clock."""

from collections.abc import Collection

from qingdan.burden_events import BudgetChanged, BurdenReported
from qingdan.divisions import DivisionCode
from qingdan.event import EventBody
from qingdan.tasks_events import (
    AskMerged,
    AskRefused,
    DeskTransferred,
    ExtensionAsked,
    ExtensionDecided,
    MeetingClosed,
    RefusalAppealed,
    RefusalDecided,
    ShareClaimed,
    ShareCompleted,
    ShareLimitChanged,
    SharePaused,
    ShareProgressed,
    ShareRefused,
    ShareReportedDone,
    ShareResumed,
    ShareWithdrawn,
    TaskPublished,
)
from runtime.change_place import NOWHERE, Place

_OF_A_SHARE = (
    *(ShareClaimed, ShareRefused, ShareProgressed, ShareReportedDone, ShareCompleted, ShareWithdrawn),
    *(ShareLimitChanged, SharePaused, ShareResumed, ExtensionAsked, ExtensionDecided),
    *(RefusalAppealed, RefusalDecided),
)
_OF_AN_ASK = (AskRefused, AskMerged)
_OF_A_DIVISION = (MeetingClosed, BudgetChanged)

EVERY_DEPARTMENT = "*"
"""Of rows that show all departments side by side: nobody who is bound to one sees them."""


def place_of(event: EventBody) -> Place:
    """Where an event's rows lie, as the migrations scope their tables; what is not named here is shown to nobody."""
    place = NOWHERE
    if isinstance(event, TaskPublished):
        villages = tuple(share.village for share in event.shares)
        place = Place(event.division, parts=villages, department=event.department)
    elif isinstance(event, _OF_A_SHARE):
        department = getattr(event, "department", None)
        place = Place(event.village, department=department, department_of=None if department else event.task)
    elif isinstance(event, _OF_AN_ASK):
        place = Place(event.division, department=event.department)
    elif isinstance(event, _OF_A_DIVISION):
        place = Place(event.division)
    elif isinstance(event, DeskTransferred):
        place = Place(event.village)
    elif isinstance(event, BurdenReported):
        place = Place(event.division, department=EVERY_DEPARTMENT)
    return place


def part_of(event: EventBody, villages: Collection[DivisionCode]) -> EventBody:
    """A published task for who sees only some villages' shares of it, not the township's task: with those alone."""
    if not isinstance(event, TaskPublished):
        return event
    return event.model_copy(update={"shares": tuple(share for share in event.shares if share.village in villages)})
