"""Workday overrides: a notice is imported whole or not at all, again without change, and shown with its basis."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from runtime.actor import Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.problems import Forbidden, Invalid
from runtime.workday_calendar import calendar, forget
from runtime.workday_overrides import WorkdayRow, import_workdays, show_workdays
from runtime.workdays import ANNOUNCED_TO
from tests.integration.runtime.conftest import OPERATOR, SERVICE, VILLAGE, person

NEXT = business_date(utcnow()).year + 1
NOTICE = "国办发明电〔2026〕9号"
HOLIDAYS = [date(NEXT, *day) for day in ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))]
CADRE = person(Role.VILLAGE_CADRE, VILLAGE)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """Neither of the database before nor for the one after."""
    forget()
    yield
    forget()


def row(day: date, *, works: bool = False, name: str = "春节", document: str = NOTICE) -> WorkdayRow:
    return WorkdayRow(date=day, is_workday=works, name_zh=name, document=document)


async def errors_of(pool: Pool, rows: list[WorkdayRow], whole_year: int | None = None) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        await import_workdays(pool, OPERATOR, rows, whole_year)
    errors: Any = refused.value.details["errors"]
    assert all(error["message"] and error["message_zh"] for error in errors)
    return [(error["pointer"], error["code"]) for error in errors]


async def test_a_notice_is_known_at_once_and_again_changes_nothing(county: Pool) -> None:
    async with transaction(county, SERVICE) as tx:
        assert not (await calendar(tx)).overrides
    rows = [row(date(NEXT, 2, 6), works=True, name="春节调休上班"), row(date(NEXT, 2, 8))]
    first = await import_workdays(county, OPERATOR, rows, None)
    assert (first.added, first.changed, first.unchanged, first.known) == (2, 0, 0, 2)
    async with transaction(county, SERVICE) as tx:
        assert (await calendar(tx)).overrides == {date(NEXT, 2, 6): True, date(NEXT, 2, 8): False}
        noted = await tx.fetch("SELECT after FROM audit_entry WHERE action = 'workdays.imported'")
    assert (len(noted), NOTICE in noted[0]["after"]) == (1, True)
    again = await import_workdays(county, OPERATOR, rows, None)
    assert (again.added, again.changed, again.unchanged, again.known) == (0, 0, 2, 2)
    other = await import_workdays(county, OPERATOR, [row(date(NEXT, 2, 8), works=True)], None)
    assert (other.added, other.changed, other.unchanged, other.known) == (0, 1, 0, 2)


async def test_every_unfit_row_is_named_and_nothing_of_the_import_is_kept(county: Pool) -> None:
    rows = [
        row(date(NEXT, 2, 8)),
        row(date(NEXT, 2, 8)),
        row(date(NEXT + 1, 2, 8)),
        row(date(1999, 2, 8)),
        row(date(NEXT, 10, 1), works=True),
        row(date(NEXT, 2, 9), document="电视里说的"),
    ]
    assert await errors_of(county, rows) == [
        ("/workdays/0/date", "double"),
        ("/workdays/1/date", "double"),
        ("/workdays/2/date", "year"),
        ("/workdays/3/date", "year"),
        ("/workdays/4/is_workday", "fixed_holiday"),
        ("/workdays/5/document", "document"),
    ]
    assert (await show_workdays(county, CADRE, NEXT)).overridden == 0


async def test_only_an_operator_imports(county: Pool) -> None:
    with pytest.raises(Forbidden):
        await import_workdays(county, CADRE, [row(date(NEXT, 2, 8))], None)


async def test_brackets_of_a_keyboard_are_taken_for_those_of_a_notice(county: Pool) -> None:
    await import_workdays(county, OPERATOR, [row(date(NEXT, 2, 8), document="国办发明电[2026]9号")], None)
    (day,) = [day for day in (await show_workdays(county, CADRE, NEXT)).days if day.document]
    assert (day.date, day.document, day.name_zh, day.basis) == (date(NEXT, 2, 8), NOTICE, "春节", "overridden")


async def test_a_whole_year_makes_every_day_of_it_certain(county: Pool) -> None:
    before = await show_workdays(county, CADRE, NEXT)
    length = (date(NEXT, 12, 31) - date(NEXT, 1, 1)).days + 1
    assert (before.official, before.provisional, before.overridden) == (0, length, 0)
    await import_workdays(county, OPERATOR, [row(day) for day in HOLIDAYS], NEXT)
    after = await show_workdays(county, CADRE, NEXT)
    assert (after.official, after.provisional, after.overridden) == (0, 0, length)
    works = {day.date: day.is_workday for day in after.days}
    assert [day for day, works_then in works.items() if not works_then and day.weekday() < 5] == [
        day for day in HOLIDAYS if day.weekday() < 5
    ]


async def test_a_whole_year_names_the_holidays_of_the_law_and_no_day_of_another_year(county: Pool) -> None:
    assert await errors_of(county, [row(day) for day in HOLIDAYS[1:]], NEXT) == [("/whole_year", "incomplete")]
    rows = [*map(row, HOLIDAYS), row(HOLIDAYS[0] - timedelta(days=1))]
    assert await errors_of(county, rows, NEXT) == [("/workdays/5/date", "other_year")]
    assert await errors_of(county, [row(HOLIDAYS[0])], NEXT + 1) == [
        ("/workdays/0/date", "other_year"),
        ("/whole_year", "year"),
    ]


async def test_an_announced_year_is_official_day_by_day(county: Pool) -> None:
    shown = await show_workdays(county, CADRE, ANNOUNCED_TO.year)
    days = {day.date: day for day in shown.days}
    assert (shown.official, shown.provisional, shown.overridden) == (len(days), 0, 0)
    national, plain = days[date(ANNOUNCED_TO.year, 10, 1)], days[date(ANNOUNCED_TO.year, 7, 1)]
    assert (national.is_workday, national.name_zh, plain.name_zh) == (False, "国庆节", None)
    assert any(day.is_workday and day.date.weekday() > 4 and day.name_zh for day in shown.days)
