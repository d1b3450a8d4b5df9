"""Decisions on a desk that changes hands: the outgoing secretary, or the township, records it, the next one accepts."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, NewType
from uuid import UUID

from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.ids import ShareId
from qingdan.tasks_events import DeskTransferred
from runtime.problems import Forbidden, Refusal

HandOverId = NewType("HandOverId", UUID)
HandOverState = Literal["open", "accepted", "replaced"]


class NotAVillagesDesk(Refusal):
    """Only a village's desk is handed over. 只能移交村的任务清单。"""

    status = 422


class NotYourDesk(Forbidden):
    """This is another desk than yours. 这不是您的任务清单。"""


class NotOnThisDesk(Refusal):
    """A note names a share that does not lie on this desk. 备注所指的任务份额不在该村清单中。"""

    status = 422


class HandOverClosed(Refusal):
    """This hand-over has been accepted, or a newer one has replaced it. 该移交已被接收，或已被新的移交取代。"""

    status = 409


class OwnHandOver(Forbidden):
    """Who handed a desk over does not accept it. 移交人不得自行接收。"""


@dataclass(frozen=True, slots=True)
class HandOver:
    """A hand-over as it stands."""

    id: HandOverId
    village: DivisionCode
    handed_over_by: str
    shares_open: int
    state: HandOverState


def require_may_hand_over(village: DivisionCode, *, actors_division: DivisionCode, by_town: bool) -> None:
    """The village's own cadre, or the township's staff when the outgoing one is gone. Raises NotAVillagesDesk,
    NotYourDesk."""
    if village.level is not DivisionLevel.VILLAGE:
        raise NotAVillagesDesk(division=str(village))
    if not by_town and actors_division != village:
        raise NotYourDesk()


def require_on_desk(noted: Iterable[ShareId], on_desk: Collection[ShareId]) -> None:
    """Raises NotOnThisDesk."""
    if strangers := sorted(str(share) for share in noted if share not in on_desk):
        raise NotOnThisDesk(shares=strangers[:100])


def accept(hand_over: HandOver, *, division: DivisionCode, subject: str, today: date) -> DeskTransferred:
    """The incoming cadre takes the desk as recorded; division and subject are the cadre's.

    Nothing of the village's work changes: claims are the village's, not a person's, and limits stay. The incoming cadre
    may change those whose date has not passed as the village always may. Raises NotYourDesk, OwnHandOver,
    HandOverClosed.
    """
    if division != hand_over.village:
        raise NotYourDesk()
    if subject == hand_over.handed_over_by:
        raise OwnHandOver()
    if hand_over.state != "open":
        raise HandOverClosed(hand_over=str(hand_over.id), state=hand_over.state)
    return DeskTransferred(village=hand_over.village, shares_open=hand_over.shares_open, transferred_on=today)
