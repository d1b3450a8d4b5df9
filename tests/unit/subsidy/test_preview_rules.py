"""The preview of a run: its month, what is due in it, and when it is too late for it."""

from datetime import date
from uuid import UUID

import pytest

from devkit.programmes import sample_programmes
from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from runtime.problems import Invalid
from subsidy.preview_rules import NotACounty, RunIsFrozen, due, month_of, previewed, require_county, require_open
from subsidy.programme_rules import Programme, compile_stored
from subsidy.run_rules import Run, RunState


def run(state: RunState) -> Run:
    return Run(
        id=RunId(UUID(int=1)),
        division=DivisionCode("330523000000"),
        division_id=3,
        period="2026-07",
        state=state,
        programme_version=1,
        prepared_by="preparer",
        frozen_by=None,
        approved_by=None,
        frozen_hash=None,
        notice_until=None,
        version=1,
    )


def test_facts_count_as_of_the_first_of_the_month() -> None:
    month = month_of("2026-07")
    assert (month.reference_on, month.before) == (date(2026, 7, 1), "2026-06")


def test_december_is_before_january() -> None:
    assert month_of("2026-01").before == "2025-12"


@pytest.mark.parametrize("period", ["2026-00", "2026-13", "0000-01", "1999-12"])
def test_a_month_that_no_calendar_has_is_refused(period: str) -> None:
    with pytest.raises(Invalid):
        month_of(period)


def test_a_month_has_its_own_programmes_beside_those_that_occur_at_any_time() -> None:
    seventy = compile_stored([Programme.model_validate(each) for each in sample_programmes()])
    december = {each.programme.code for each in due(seventy, month_of("2025-12"))}
    assert {"B01", "B53", "B60", "B70", "B07", "B20"} <= december
    assert december.isdisjoint({"B25", "B44", "B61"})
    months = [{each.programme.code for each in due(seventy, month_of(f"2026-{n:02d}"))} for n in range(1, 13)]
    assert len(set().union(*months)) == 70


def test_only_a_preview_can_be_computed_anew() -> None:
    require_open(run("previewed"))
    states: list[RunState] = ["frozen", "approved", "paying", "closed"]
    for state in states:
        with pytest.raises(RunIsFrozen):
            require_open(run(state))


@pytest.mark.parametrize("code", ["330000000000", "330500000000", "330523100000", "330523100201"])
def test_a_run_is_a_countys(code: str) -> None:
    require_county(DivisionCode("330523000000"))
    with pytest.raises(NotACounty):
        require_county(DivisionCode(code))


def test_the_event_tells_totals_and_nobodys_name() -> None:
    said = {"programme_version": 3, "excluded": 2, "undetermined": 1}
    event = previewed(run("previewed"), (), **said, today=date(2026, 7, 3))
    assert (event.run, event.division, event.period) == (UUID(int=1), "330523000000", "2026-07")
    assert (event.programme_version, event.excluded, event.undetermined) == (3, 2, 1)
