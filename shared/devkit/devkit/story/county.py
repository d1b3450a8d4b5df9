"""The sample counties: the CSV files of `devkit/data`, read into typed rows."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from qingdan.divisions import DivisionCode
from qingdan.tasks_events import AskKind, RefusalCode

DATA = Path(__file__).parents[1] / "data"
JIZE = DivisionCode("130431000000")
WUGUANYING = DivisionCode("130431105000")
ANJI = DivisionCode("330523000000")
DAFANG = DivisionCode("520521000000")


def _words(cell: object) -> object:
    return [word.strip() for word in cell.split(";") if word.strip()] if isinstance(cell, str) else cell


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
OrNone = BeforeValidator(lambda cell: cell or None)


class Row(BaseModel):
    """A row of a file; columns that the story does not need are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Division(Row):
    """A node of the administrative tree; a province has no parent."""

    code: DivisionCode
    name_zh: str
    parent_code: Annotated[DivisionCode | None, OrNone]


class Item(Row):
    """An item of the responsibility list, as the list is published."""

    code: str
    category: str
    title_zh: str
    title_en: str
    law: str
    article: str
    owner_department: str
    askers: Words
    kinds: Words
    asks_per_village_year_max: Annotated[int | None, OrNone]
    hours_estimate: int
    inspect_on_completion: bool
    paid: bool


class Negative(Row):
    """Something that may never be asked of a village."""

    code: str
    kind: AskKind
    title_zh: str
    title_en: str


class Task(Row):
    """An ask that stands on the list; villages set themselves a limit between the two."""

    code: str
    title_zh: str
    title_en: str
    item: str = Field(validation_alias="responsibility_code")
    department: str
    kind: AskKind
    limit_min: int = Field(validation_alias="deadline_min_working_days")
    limit_max: int = Field(validation_alias="deadline_max_working_days")
    indicators_zh: Words


class OffListAsk(Row):
    """An ask that is not on the list, and who is to notice."""

    code: str
    title_zh: str
    title_en: str
    department: str
    kind: AskKind
    refusal_code: RefusalCode
    refuse_reason_zh: str
    cites: Annotated[str | None, OrNone]
    nearest_item: Annotated[str | None, OrNone]
    decided_by: Literal["gate", "village"]


class FinishedTask(Row):
    """A task that a village finished in the half-year before the story."""

    village_code: DivisionCode
    task_code: str
    responsibility_code: str
    claimed_on: date
    limit_working_days: int
    used_working_days: int
    findings: int
    passed_first_recheck: int
    difficulties_raised: int
    origin: str


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class County:
    """One county with its list, its asks and its finished half-year; `divisions` begin with its province."""

    code: DivisionCode
    divisions: tuple[Division, ...]
    items: tuple[Item, ...]
    negative: tuple[Negative, ...]
    tasks: tuple[Task, ...]
    off_list: tuple[OffListAsk, ...]
    history: tuple[FinishedTask, ...]

    @property
    def townships(self) -> tuple[Division, ...]:
        return self._below(self.code)

    def villages(self, township: DivisionCode) -> tuple[Division, ...]:
        """The villages of a township, by code."""
        return self._below(township)

    def name_zh(self, code: DivisionCode) -> str:
        """A division's name, short: 贾庄 for 贾庄村民委员会. Raises KeyError."""
        return short_name_zh(self._by_code[code])

    def item(self, code: str) -> Item:
        """Raises StopIteration for an item that the list does not have."""
        return next(item for item in self.items if item.code == code)

    @property
    def half_year(self) -> tuple[date, date]:
        """First and last day of the half-year that the history lies in."""
        first = min(row.claimed_on for row in self.history)
        if first.month <= 6:
            return date(first.year, 1, 1), date(first.year, 6, 30)
        return date(first.year, 7, 1), date(first.year, 12, 31)

    @property
    def _by_code(self) -> Mapping[DivisionCode, Division]:
        return {division.code: division for division in self.divisions}

    def _below(self, code: DivisionCode) -> tuple[Division, ...]:
        return tuple(division for division in self.divisions if division.parent_code == code)


@cache
def jize() -> County:
    """Jize County: real divisions, a modelled list, a synthetic history; data/README.md says which is which."""
    tasks = rows("tasks")
    return County(
        code=JIZE,
        divisions=subtree(JIZE, all_divisions()),
        items=read(Item, rows("responsibilities")),
        negative=read(Negative, rows("negative_list")),
        tasks=read(Task, [row for row in tasks if row["on_list"] == "true"]),
        off_list=read(OffListAsk, [row for row in tasks if row["on_list"] != "true"]),
        history=read(FinishedTask, rows("history_jize")),
    )


def short_name_zh(division: Division) -> str:
    """贾庄 for 贾庄村民委员会."""
    return division.name_zh.removesuffix("村民委员会").removesuffix("居民委员会")


@cache
def all_divisions() -> tuple[Division, ...]:
    """The three counties with all above and all below them."""
    return read(Division, rows("divisions"))


def rows(file: str) -> list[dict[str, str]]:
    """A file of `devkit/data`, as text by column."""
    with (DATA / f"{file}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read(model: type[R], lines: list[dict[str, str]]) -> tuple[R, ...]:
    """Typed rows. Raises pydantic.ValidationError."""
    return tuple(model.model_validate(line) for line in lines)


def subtree(code: DivisionCode, divisions: tuple[Division, ...]) -> tuple[Division, ...]:
    """A division with all above and all below it."""
    by_code = {division.code: division for division in divisions}
    chosen, at = [by_code[code]], by_code[code].parent_code
    while at is not None:
        chosen.insert(0, by_code[at])
        at = by_code[at].parent_code
    seen = {code}
    for division in sorted(divisions, key=lambda division: division.code):
        if division.parent_code in seen:  # a parent's code sorts before its children's
            chosen.append(division)
            seen.add(division.code)
    return tuple(chosen)
