"""Who may object to what and until when, and who decides."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from qingdan.divisions import DivisionCode
from qingdan.ids import ObjectionId, RunId
from qingdan.subsidy_events import ObjectionRaised
from runtime.ids import new_id
from subsidy import objection_rules
from subsidy.hold_rules import Hold, HoldId
from subsidy.notice_rules import Notice, NoticeOver
from subsidy.objection_rules import DecidedByAnother, Item, ObjectedAlready, Objection, ObjectionOver

LAST = date(2026, 7, 20)
COUNTY = DivisionCode("330523000000")
NOTICE = Notice(RunId(new_id()), COUNTY, "frozen", 1, LAST)
OBJECTION = Objection(ObjectionId(new_id()), NOTICE.run, COUNTY, HoldId(new_id()), "B01", "raised", "a")


def raised(notice: Notice = NOTICE, *, again: bool = False, today: date = LAST) -> tuple[Hold, ObjectionRaised]:
    item = Item("B01", UUID(int=7), "2026-07")
    ids: Any = ObjectionId(new_id()), HoldId(new_id())
    return objection_rules.object_to(
        item, notice, *ids, reason="not_living_there", raised_by="a", again=again, today=today
    )


def test_an_objection_holds_its_item_alone() -> None:
    hold, event = raised()
    assert (hold.programme, hold.beneficiary, hold.occurrence) == ("B01", UUID(int=7), "2026-07")
    assert (hold.cause, hold.cause_id) == ("objection", event.objection)
    assert event.division == COUNTY


@pytest.mark.parametrize("state", ["previewed", "approved", "paying", "closed"])
def test_objections_are_taken_of_frozen_runs_only(state: Any) -> None:
    with pytest.raises(NoticeOver):
        raised(replace(NOTICE, state=state))


def test_objections_are_taken_until_the_last_day_of_the_notice() -> None:
    with pytest.raises(NoticeOver):
        raised(today=date(2026, 7, 21))


def test_nobody_objects_twice_while_nothing_is_decided() -> None:
    with pytest.raises(ObjectedAlready):
        raised(again=True)


@pytest.mark.parametrize("upheld", [True, False])
def test_another_person_decides_once(upheld: bool) -> None:
    assert objection_rules.decide(OBJECTION, "b", upheld=upheld, today=LAST).upheld is upheld
    with pytest.raises(DecidedByAnother):
        objection_rules.decide(OBJECTION, "a", upheld=upheld, today=LAST)
    with pytest.raises(ObjectionOver):
        objection_rules.decide(replace(OBJECTION, state="upheld"), "b", upheld=upheld, today=LAST)
