"""A desk changes hands: who may record it, who may accept it, and that it is a village's."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId
from tasks import handover_rules
from tasks.handover_rules import (
    HandOver,
    HandOverClosed,
    HandOverId,
    NotAVillagesDesk,
    NotOnThisDesk,
    NotYourDesk,
    OwnHandOver,
)

TODAY = date(2026, 3, 2)
TOWN, VILLAGE, NEIGHBOUR = (DivisionCode(code) for code in ("130431105000", "130431105205", "130431105206"))
OPEN = HandOver(HandOverId(UUID(int=1)), VILLAGE, "outgoing", 7, "open")


def test_a_village_hands_its_own_desk_over_and_the_township_any_of_its_villages() -> None:
    handover_rules.require_may_hand_over(VILLAGE, actors_division=VILLAGE, by_town=False)
    handover_rules.require_may_hand_over(VILLAGE, actors_division=TOWN, by_town=True)
    for division in (NEIGHBOUR, TOWN):
        with pytest.raises(NotYourDesk):
            handover_rules.require_may_hand_over(VILLAGE, actors_division=division, by_town=False)
    with pytest.raises(NotAVillagesDesk):
        handover_rules.require_may_hand_over(TOWN, actors_division=TOWN, by_town=True)


def test_a_note_is_on_what_lies_there() -> None:
    mine, other = ShareId(UUID(int=1)), ShareId(UUID(int=2))
    handover_rules.require_on_desk([mine], {mine, other})
    with pytest.raises(NotOnThisDesk) as refused:
        handover_rules.require_on_desk([mine, other], {mine})
    assert refused.value.details == {"shares": [str(other)]}


def test_another_person_of_the_village_accepts_once() -> None:
    event = handover_rules.accept(OPEN, division=VILLAGE, subject="incoming", today=TODAY)
    assert (event.village, event.shares_open, event.transferred_on) == (VILLAGE, 7, TODAY)
    assert "incoming" not in event.model_dump_json()
    with pytest.raises(OwnHandOver):
        handover_rules.accept(OPEN, division=VILLAGE, subject="outgoing", today=TODAY)
    with pytest.raises(NotYourDesk):
        handover_rules.accept(OPEN, division=NEIGHBOUR, subject="incoming", today=TODAY)
    for state in ("accepted", "replaced"):
        with pytest.raises(HandOverClosed):
            handover_rules.accept(
                replace(OPEN, state=state),
                division=VILLAGE,
                subject="incoming",
                today=TODAY,
            )
