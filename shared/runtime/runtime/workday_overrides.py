"""Workday overrides: what a notice of the State Council says of a year, imported by the operator, in each service."""

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal

from chinese_calendar import constants  # type: ignore[import-untyped] # it ships no types
from fastapi import APIRouter, Response
from fastapi import Query as InQuery
from pydantic import BaseModel, Field

from runtime import audit, workday_calendar
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.http import CommandModel, CreatingCommand, Query
from runtime.problems import Bilingual, Invalid
from runtime.workdays import ANNOUNCED_FROM, ANNOUNCED_TO, FIXED_HOLIDAYS, Calendar

ROWS_MAX: Final = 400
ERRORS_MAX: Final = 100
YEARS_AHEAD_MAX: Final = 1  # a notice is of the next year: what is further away was mistyped

Basis = Literal["official", "provisional", "overridden"]

# As a notice writes its own number (GB/T 9704-2012, 7.2.5): who, the year in these brackets, the number.
_NOTICE: Final = re.compile(r"[\u4e00-\u9fff]{2,20}〔(?:19|20)\d{2}〕\d{1,5}号")
_BRACKETS: Final = str.maketrans("[［(（]］)）", "〔〔〔〔〕〕〕〕")  # what a keyboard has in their place
_ORDINARY_ZH: Final = {True: "平日", False: "周末"}

_DOUBLE: Final = Bilingual("Another row has this day.", "另一行使用了相同的日期。")
_YEAR: Final = Bilingual(
    "The year is neither in the known calendar nor the next one.", "年份不在已知日历范围内，也不是下一年度。"
)
_FIXED: Final = Bilingual("By law this day is a holiday.", "该日为法定节假日，不得列为工作日。")
_NO_NOTICE: Final = Bilingual(
    "Write the number of the official notice, as in 国办发明电〔2025〕7号.",
    "请填写官方通知文号，如“国办发明电〔2025〕7号”。",
)
_OTHER_YEAR: Final = Bilingual("This day is not in the whole year that is announced.", "该日不在所公布的全年之内。")
_MISSING: Final = Bilingual(
    "A whole year names its holidays of 1 January, 1 May and 1 to 3 October.",
    "公布全年安排时须列出元旦、劳动节和国庆节法定假日。",
)


class WorkdayRow(CommandModel):
    """One day of which a notice says whether China works."""

    date: datetime.date
    is_workday: bool = Field(description="true: a make-up workday; false: a holiday")
    name_zh: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$", description="as in 春节")
    document: str = Field(max_length=60, description="number of the official notice, as in 国办发明电〔2025〕7号")


class ImportWorkdays(CommandModel):
    """The days that a notice names; days that it does not name stay as they are."""

    workdays: list[WorkdayRow] = Field(min_length=1, max_length=ROWS_MAX)
    whole_year: Annotated[
        int | None,
        Field(description="the year that the rows announce as a whole: every other day of it becomes certain too"),
    ] = None


class WorkdaysImported(BaseModel):
    """How many days the import added and changed, how many it left as they were, and how many are known now."""

    added: int
    changed: int
    unchanged: int
    known: int


class DayView(BaseModel):
    """One day; its basis: official (announced), overridden (imported), or provisional (may turn out otherwise)."""

    date: datetime.date
    is_workday: bool
    basis: Basis
    name_zh: str | None = Field(description="of a holiday, a make-up workday or an overridden day")
    document: str | None = Field(description="the notice of an overridden day")


class YearView(BaseModel):
    """A year, day by day, and how many of its days stand on what."""

    year: int
    official: int
    provisional: int
    overridden: int
    days: list[DayView]


async def import_workdays(
    pool: Pool, actor: Actor, rows: Sequence[WorkdayRow], whole_year: int | None
) -> WorkdaysImported:
    """Put the days in force; the same import again changes nothing.

    Raises Forbidden unless the actor is an operator, Invalid naming each unfit row.
    """
    actor.require(Role.OPERATOR)
    if errors := list(_unfit(rows, whole_year, business_date(utcnow()).year)):
        raise Invalid(errors=errors[:ERRORS_MAX])
    days = {row.date: (row.is_workday, row.document.translate(_BRACKETS), row.name_zh) for row in rows}
    for day in _days_of(whole_year) if whole_year else ():
        works = day.weekday() < 5
        days.setdefault(day, (works, rows[0].document.translate(_BRACKETS), _ORDINARY_ZH[works]))
    async with transaction(pool, actor) as tx:
        # One import at a time: two that name the same days in different orders would wait for each other's rows.
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('workday_override', 0))")
        before = await _overrides(tx, min(days), max(days))
        changed = {day: said for day, said in days.items() if before.get(day) != said}
        await _save(tx, changed)
        added = len(changed.keys() - before.keys())
        imported = WorkdaysImported(
            added=added,
            changed=len(changed) - added,
            unchanged=len(days) - len(changed),
            known=await tx.fetchval("SELECT count(*) FROM workday_override"),
        )
        audit.note(tx, "workdays.imported", "workdays", _entered(imported, before, changed))
        tx.answer_with(imported)
    workday_calendar.forget()
    return imported


async def show_workdays(pool: Pool, actor: Actor, year: int) -> YearView:
    """Every day of the year with what is known of it."""
    days = list(_days_of(year))
    async with transaction(pool, actor) as tx:
        known = await _overrides(tx, days[0], days[-1])
    calendar = Calendar({day: works for day, (works, _, _) in known.items()})
    views = [_day(day, calendar, known) for day in days]
    often = Counter(view.basis for view in views)
    counts = {"official": often["official"], "provisional": often["provisional"], "overridden": often["overridden"]}
    return YearView(year=year, days=views, **counts)


Said = tuple[bool, str, str | None]
"""Whether China works on a day, the notice that says so, and what the day is called."""


def _unfit(rows: Sequence[WorkdayRow], whole_year: int | None, this_year: int) -> Iterable[dict[str, str]]:
    """What makes rows unfit, row by row."""
    often, last_year = Counter(row.date for row in rows), this_year + YEARS_AHEAD_MAX
    for at, row in enumerate(rows):
        place = f"/workdays/{at}"
        if often[row.date] > 1:
            yield _error(f"{place}/date", "double", _DOUBLE)
        if not ANNOUNCED_FROM.year <= row.date.year <= last_year:
            yield _error(f"{place}/date", "year", _YEAR)
        elif whole_year is not None and row.date.year != whole_year:
            yield _error(f"{place}/date", "other_year", _OTHER_YEAR)
        if row.is_workday and _is_fixed(row.date):
            yield _error(f"{place}/is_workday", "fixed_holiday", _FIXED)
        if not _NOTICE.fullmatch(row.document.translate(_BRACKETS)):
            yield _error(f"{place}/document", "document", _NO_NOTICE)
    if whole_year is None:
        return
    if not ANNOUNCED_FROM.year <= whole_year <= last_year:
        yield _error("/whole_year", "year", _YEAR)
    elif not {day for day in _days_of(whole_year) if _is_fixed(day)} <= often.keys():
        yield _error("/whole_year", "incomplete", _MISSING)


def _error(pointer: str, code: str, said: Bilingual) -> dict[str, str]:
    return {"in": "body", "pointer": pointer, "code": code, "message": said.en, "message_zh": said.zh}


def _is_fixed(day: datetime.date) -> bool:
    return (day.month, day.day) in FIXED_HOLIDAYS


def _days_of(year: int) -> Iterable[datetime.date]:
    first = datetime.date(year, 1, 1)
    return (first + datetime.timedelta(n) for n in range((datetime.date(year, 12, 31) - first).days + 1))


async def _overrides(tx: Tx, first: datetime.date, last: datetime.date) -> dict[datetime.date, Said]:
    rows = await tx.fetch(
        "SELECT on_date, working, source, name_zh FROM workday_override WHERE on_date BETWEEN $1 AND $2", first, last
    )
    return {row["on_date"]: (row["working"], row["source"], row["name_zh"]) for row in rows}


async def _save(tx: Tx, days: Mapping[datetime.date, Said]) -> None:
    await tx.executemany(
        "INSERT INTO workday_override (on_date, working, source, name_zh) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (on_date) DO UPDATE"
        " SET working = excluded.working, source = excluded.source, name_zh = excluded.name_zh",
        [(day, *days[day]) for day in sorted(days)],
    )


def _entered(
    imported: WorkdaysImported, before: Mapping[datetime.date, Said], changed: Mapping[datetime.date, Said]
) -> dict[str, object]:
    """What the audit keeps: the counts, the notices, and each day that turned out otherwise than it was."""
    turned = {str(day): works for day, (works, _, _) in sorted(changed.items()) if day in before}
    notices = sorted({document for _, document, _ in changed.values()})
    span = {"first": min(changed), "last": max(changed)} if changed else {}
    return {**imported.model_dump(), "notices": notices, "overridden_again": turned, **span}


def _day(day: datetime.date, calendar: Calendar, known: Mapping[datetime.date, Said]) -> DayView:
    basis: Basis = "overridden" if day in known else "provisional" if calendar.is_provisional(day) else "official"
    _, document, name_zh = known.get(day, (None, None, None))
    if basis == "official":
        name_zh = _official_name(day)
    return DayView(date=day, is_workday=calendar.is_working_day(day), basis=basis, name_zh=name_zh, document=document)


def _official_name(day: datetime.date) -> str | None:
    """What the announced calendar calls a holiday or the make-up workday of one."""
    name_en = constants.holidays.get(day) or constants.workdays.get(day)
    found: str | None = constants.Holiday(name_en).chinese if name_en else None
    return f"{found}调休上班" if found and day in constants.workdays else found


router = APIRouter(prefix="/v1/workdays", tags=["workdays"])


@router.post(
    "/import",
    response_model=WorkdaysImported,
    summary="Import what a notice says of workdays and holidays (operator) 导入节假日和调休安排",
)
async def import_notice(body: ImportWorkdays, command: CreatingCommand) -> Response:
    return command.answer(await import_workdays(command.pool, command.actor, body.workdays, body.whole_year))


@router.get("", summary="A year's working days: official, provisional or overridden 查询年度工作日")
async def show(
    query: Query, year: Annotated[int, InQuery(ge=ANNOUNCED_FROM.year, le=ANNOUNCED_TO.year + 50)]
) -> YearView:
    return await show_workdays(query.pool, query.actor, year)
