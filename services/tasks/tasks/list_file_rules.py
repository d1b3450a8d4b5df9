"""A list as a file: one row for each item and each negative entry; what is written can be read again unchanged.

The rows are the same in CSV, which is written and read here, and in a workbook, whose cells come from elsewhere.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from pydantic import ValidationError

from qingdan.ids import ListCode
from runtime.invalid_input import sentence
from runtime.problems import Bilingual, Invalid
from tasks.list_rules import ERRORS_MAX, Item, ListVersion, NegativeEntry, RowError, unfit_rows
from tasks.workbook_rules import Cell, Rows

COLUMNS: Final = tuple(Item.model_fields)
ROWS_MAX: Final = 500
SHEET: Final = "清单"
"""The sheet of a workbook that holds the rows."""

FileFormat = Literal["csv", "xlsx"]

_NEGATIVE: Final = "negative"
_LISTS: Final = frozenset({"askers", "kinds"})
# A spreadsheet takes a cell that begins like this for a formula; an apostrophe before it makes it text.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED: Final = re.compile(r"'+[=+\-@\t\r]")
_LINE_END: Final = re.compile(r"\r?\n")  # str.splitlines() would also end a line at U+0085 and U+2028
_POINTER: Final = re.compile(r"/(items|negative)/(\d+)/(\w+)")


@dataclass(frozen=True, slots=True)
class ListRows:
    """What a file says: the rows of a version that is still to be numbered."""

    items: tuple[Item, ...]
    negative: tuple[NegativeEntry, ...]


def cells_of(version: ListVersion) -> list[list[Cell]]:
    """The rows of a version, a cell for each column: its items, then its negative entries."""
    rows = [[_cell(value) for value in item.model_dump().values()] for item in version.items]
    for entry in version.negative:
        told = {**entry.model_dump(), "category": _NEGATIVE, "kinds": (entry.kind,)}
        rows.append([_cell(told.get(name)) for name in COLUMNS])
    return rows


def write_list(version: ListVersion) -> str:
    """The CSV file of a version: a header and its rows. No cell of it is a formula."""
    lines = _Lines()
    out = csv.writer(lines)
    out.writerow(COLUMNS)
    out.writerows([_csv_cell(cell) for cell in row] for row in cells_of(version))
    return "".join(lines.written)


def read_csv(body: bytes) -> Rows:
    """The rows of a file in UTF-8, with or without a byte order mark. Raises Invalid for what is no CSV."""
    try:
        lines = list(csv.reader(_LINE_END.split(body.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise Invalid(
            errors=[_error("/rows", "csv", "The file is no CSV in UTF-8.", "文件不是 UTF-8 编码的 CSV。")]
        ) from None
    return [(number, list(map(_text, cells))) for number, cells in enumerate(lines, start=1) if cells]


def read_list(rows: Rows, list_code: ListCode) -> ListRows:
    """What the rows of a file say, the first being its header.

    Raises Invalid that names every bad row by its number in the file, at most 100 of them.
    """
    items: dict[int, Item] = {}
    negative: dict[int, NegativeEntry] = {}
    errors: list[RowError] = []
    for line, row in _named(rows):
        try:
            if row.get("category") == _NEGATIVE:
                negative[line] = _entry(row)
            else:
                items[line] = Item.model_validate(_item_cells(row))
        except ValidationError as invalid:
            errors += [
                _cell_error(line, error["loc"], sentence(error["type"], error.get("ctx") or {}), error["type"])
                for error in invalid.errors()
            ]
    found = ListRows(tuple(items.values()), tuple(negative.values()))
    if not errors:
        proposed = ListVersion(list_code, 1, date.min, found.items, found.negative)
        lines = {"items": list(items), "negative": list(negative)}
        errors = [_at_line(error, lines) for error in unfit_rows(proposed)]
    if not errors and not items:
        errors = [_error("/rows/1", "empty", "A list has at least one item.", "清单至少须有一个事项。")]
    if errors:
        raise Invalid(errors=errors[:ERRORS_MAX])
    return found


class _Lines:
    """What the writer of the standard library writes to."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> None:
        self.written.append(line)


def _named(rows: Rows) -> Iterator[tuple[int, dict[str, str]]]:
    """Cells by column with the number of each row. Raises Invalid for another header, or too many rows."""
    if not rows or rows[0][0] != 1 or tuple(rows[0][1]) != COLUMNS:
        header = ",".join(COLUMNS)
        raise Invalid(errors=[_error("/rows/1", "header", f"The header is {header}.", f"表头须为 {header}。")])
    if len(rows) > ROWS_MAX + 1:
        message = f"A list has at most {ROWS_MAX} rows."
        raise Invalid(errors=[_error("/rows", "too_long", message, f"清单至多 {ROWS_MAX} 行。")])
    for number, cells in rows[1:]:
        padded = [*cells, *[""] * (len(COLUMNS) - len(cells))]
        named = dict(zip(COLUMNS, padded, strict=False))
        yield number, named | ({"beyond_the_last_column": ""} if len(cells) > len(COLUMNS) else {})


def _item_cells(row: Mapping[str, str]) -> dict[str, object]:
    """What is empty is left out, so that it has its default or is missed."""
    kept = {name: cell for name, cell in row.items() if cell or name not in COLUMNS}
    return {name: cell.split(";") if name in _LISTS else cell for name, cell in kept.items()}


def _entry(row: Mapping[str, str]) -> NegativeEntry:
    """Of a negative entry only these four columns count."""
    return NegativeEntry.model_validate(
        {"code": row["code"], "kind": row["kinds"], "title_zh": row["title_zh"], "title_en": row["title_en"]}
    )


def _cell(value: object) -> Cell:
    if isinstance(value, tuple):
        return ";".join(map(str, value))
    return value if value is None or isinstance(value, int | date) else str(value)


def _csv_cell(cell: Cell) -> str:
    text = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
    return f"'{text}" if _FORMULA.match(text) else text


def _text(cell: str) -> str:
    return cell[1:] if _ESCAPED.match(cell) else cell


def _at_line(error: RowError, lines: Mapping[str, Sequence[int]]) -> RowError:
    where = _POINTER.fullmatch(error["pointer"])
    assert where is not None
    return {**error, "pointer": f"/rows/{lines[where[1]][int(where[2])]}/{where[3]}"}


def _cell_error(line: int, place: Sequence[object], said: Bilingual, code: str) -> RowError:
    column = {"kind": "kinds"}.get(str(place[0]), str(place[0])) if place else ""
    return _error(f"/rows/{line}/{column}", code, said.en, said.zh)


def _error(pointer: str, code: str, message: str, message_zh: str) -> RowError:
    return {"in": "body", "pointer": pointer, "code": code, "message": message, "message_zh": message_zh}
