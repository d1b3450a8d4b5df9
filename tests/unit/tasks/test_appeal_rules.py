"""An appeal: once, in time, decided by the county and by nobody who made it."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, ShareId, TaskId
from qingdan.origin import Origin
from runtime.actor import Actor, Role
from runtime.problems import Refusal
from runtime.workdays import Calendar
from tasks import appeal_rules, appeal_store
from tasks.appeal_rules import (
    AlreadyAppealed,
    Appeal,
    AppealDecided,
    AppealTooLate,
    CountyDecides,
    Decider,
    OnlyVillagesNo,
    OwnAppeal,
    RefusedAsk,
    TimeToDecideOver,
)

CALENDAR = Calendar()
ORIGIN = Origin(service="tasks", kind="work_meeting", id=UUID(int=3))
ASK, SHARE, TASK = AskId(UUID(int=9)), ShareId(UUID(int=1)), TaskId(UUID(int=2))
VILLAGE = DivisionCode("130431105205")
REFUSED = RefusedAsk(ASK, SHARE, TASK, VILLAGE, "JTJ", ORIGIN, date(2026, 9, 18), appealed=False)
OPEN = Appeal(ASK, SHARE, TASK, VILLAGE, "JTJ", ORIGIN, "staff@JTJ", "open", date(2026, 9, 30), 1)
TODAY = date(2026, 9, 21)
COUNTY = DivisionCode("130431000000")
SEATED = frozenset({"ZZB", "NYJ", "MZJ", "ZFB"})


def decided(
    appealed: Appeal = OPEN,
    *,
    upheld: bool = True,
    place: DivisionCode = COUNTY,
    subject: str = "county",
    department: str | None = None,
    today: date = TODAY,
) -> bool:
    decider = Decider(subject, place.level, department, approves=True)
    return appeal_rules.decide(appealed, upheld, decider, SEATED, today=today).upheld


def test_an_appeal_sets_the_countys_clock_in_working_days() -> None:
    event = appeal_rules.appeal(REFUSED, CALENDAR, today=TODAY)
    assert (event.appealed_on, event.decide_by) == (TODAY, date(2026, 10, 12))  # 25 September and 1-7 October are free
    assert (event.ask, event.share, event.department) == (ASK, SHARE, "JTJ")


def test_the_tenth_working_day_is_in_time_and_the_next_day_is_not() -> None:
    last = CALENDAR.add_working_days(REFUSED.refused_on, 10).on
    assert appeal_rules.appeal(REFUSED, CALENDAR, today=last).appealed_on == last
    with pytest.raises(AppealTooLate):
        appeal_rules.appeal(REFUSED, CALENDAR, today=date.fromordinal(last.toordinal() + 1))


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (replace(REFUSED, appealed=True), AlreadyAppealed),
        (replace(REFUSED, share=None, task=None, origin=None), OnlyVillagesNo),
    ],
)
def test_what_cannot_be_appealed_against(refused: RefusedAsk, said: type[Refusal]) -> None:
    with pytest.raises(said):
        appeal_rules.appeal(refused, CALENDAR, today=TODAY)


@pytest.mark.parametrize("upheld", [True, False])
def test_the_county_decides_either_way(upheld: bool) -> None:
    assert decided(upheld=upheld) is upheld


def test_nobody_decides_twice_on_an_own_appeal_or_below_the_county() -> None:
    with pytest.raises(AppealDecided):
        decided(replace(OPEN, state="upheld"))
    with pytest.raises(OwnAppeal):
        decided(subject=OPEN.appealed_by)
    with pytest.raises(OwnAppeal):
        decided(replace(OPEN, department="MZJ"), department="MZJ")
    for place in (DivisionCode("130431105000"), VILLAGE):
        with pytest.raises(CountyDecides):
            decided(place=place)


def test_a_departments_approver_decides_for_the_county_where_the_department_sits_in_a_stage() -> None:
    assert decided(department="ZZB")
    for stranger in ("JTJ", "WLJ"):
        with pytest.raises(CountyDecides):
            decided(department=stranger)


def test_the_last_day_is_in_time_and_afterwards_the_no_stands() -> None:
    assert decided(today=OPEN.decide_by)
    with pytest.raises(TimeToDecideOver):
        decided(upheld=False, today=OPEN.decide_by + timedelta(days=1))


def test_only_an_approver_of_the_county_reads_beyond_the_own_department() -> None:
    def actor(role: Role, place: DivisionCode = COUNTY) -> Actor:
        return Actor("somebody", frozenset({role, Role.DEPARTMENT_STAFF}), place, "ZZB")

    approver = actor(Role.ACCESS_APPROVER)
    assert appeal_store.scope_of(approver, appeal_store.decider(approver)).department is None
    for bound in (actor(Role.TOWN_STAFF), actor(Role.ACCESS_APPROVER, DivisionCode("130431105000"))):
        assert appeal_store.scope_of(bound, appeal_store.decider(bound)) is bound
        assert appeal_rules.department_shown(appeal_store.decider(bound), SEATED) == "ZZB"
    assert appeal_rules.department_shown(appeal_store.decider(approver), SEATED) is None
    assert appeal_rules.department_shown(appeal_store.decider(approver), frozenset({"NYJ"})) == "ZZB"


def test_silence_upholds_the_no() -> None:
    assert appeal_rules.let_stand(OPEN, today=TODAY).upheld
