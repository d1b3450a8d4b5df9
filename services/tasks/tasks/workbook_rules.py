"""What a workbook may be: how far its cells reach, what is in none of them, and what a cell says as text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from xml.parsers import expat

from runtime.problems import Invalid
from tasks.list_rules import RowError

Cell = str | int | bool | date | None
Rows = list[tuple[int, list[str]]]
"""The rows that are not empty, each with its number in the sheet; cells as a CSV file would have them."""

UNPACKED_BYTES_MAX: Final = 16 * 1024 * 1024
PARTS_MAX: Final = 200
SHEET_ROWS_MAX: Final = 2_000
SHEET_COLUMNS_MAX: Final = 100

_PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")


def _unfit(code: str, message: str, message_zh: str) -> RowError:
    return {"in": "body", "pointer": "/rows", "code": code, "message": message, "message_zh": message_zh}


# What makes a whole workbook unfit.
NOT_XLSX: Final = _unfit("xlsx", "The file is no xlsx workbook.", "文件不是 xlsx 工作簿。")
XLS: Final = _unfit("xls", "This is an old workbook (xls): save it as xlsx.", "这是旧版 xls 工作簿，请另存为 xlsx。")
LOCKED: Final = _unfit("encrypted", "The workbook is encrypted: take its password off.", "工作簿已加密，请先取消密码。")
TOO_LARGE: Final = _unfit("too_large", "The workbook is too large when unpacked.", "工作簿解压后过大。")
WHICH_SHEET: Final = _unfit(
    "sheet",
    "Of several sheets none has the name that an export has: name it so, or leave it alone in the workbook.",
    "工作簿有多个工作表，且无一与导出文件的表名相同：请改用该表名，或只保留该表。",
)
_TOO_FAR: Final = _unfit(
    "too_long",
    f"A sheet has at most {SHEET_ROWS_MAX} rows and {SHEET_COLUMNS_MAX} columns; clear what lies beyond.",
    f"工作表至多 {SHEET_ROWS_MAX} 行、{SHEET_COLUMNS_MAX} 列，请清除其外的内容。",
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet to be written: a header row, rows, how wide its columns are, and where its cells must be one of a few."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[int]
    frozen_columns: int = 0
    choices: dict[int, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Scan:
    """What one part says of cells: how far they reach is bounded, where a formula stands is noted."""

    inside: bool = False  # <sheetData>: what charts and drawings call by the same names is no cell
    row: int = 0
    column: int = 0
    formulas: list[RowError] = field(default_factory=list)

    @classmethod
    def of(cls, content: bytes) -> "Scan | None":
        """None for what is no well-formed XML. Raises Invalid for entities, and for cells that are too far away."""
        found, parser = cls(), expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = found.start, found.end
        parser.EntityDeclHandler = _refuse_entity
        try:
            parser.Parse(content, True)
        except expat.ExpatError:
            return None
        return found

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local, place = name.rpartition(":")[2], attributes.get("r", "")
        if local == "sheetData":
            self.inside = True
        if not self.inside:
            return
        if local == "row":
            self.row, self.column = int(place) if place.isdecimal() else self.row + 1, 0
        elif local == "c":
            self.column += 1
            if found := _PLACE.fullmatch(place):
                self.column, self.row = _number(found[1]), int(found[2])
            elif place:
                raise Invalid(errors=[NOT_XLSX])
        elif local == "f":
            self.formulas.append(_formula(self.row, self.column))
        if self.row > SHEET_ROWS_MAX or self.column > SHEET_COLUMNS_MAX:
            raise Invalid(errors=[_TOO_FAR])

    def end(self, name: str) -> None:
        self.inside = self.inside and name.rpartition(":")[2] != "sheetData"


def rows_of(cells: Sequence[Sequence[object]]) -> Rows:
    """The rows of a sheet as text; what is empty at a row's end is there only because somebody coloured it."""
    texts = [[text_of(cell) for cell in row] for row in cells]
    for row in texts:
        while row and not row[-1]:
            row.pop()
    return [(number, row) for number, row in enumerate(texts, start=1) if row]


def text_of(cell: object) -> str:
    """As a CSV file would have it: whole numbers without a point, days without a time."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _refuse_entity(*_: object) -> None:
    raise Invalid(errors=[NOT_XLSX])


def _formula(row: int, column: int) -> RowError:
    """Its value is known only to whoever computes it."""
    place = f"{_letters(column)}{row}"
    said = _unfit(
        "formula", f"Cell {place} holds a formula: write its value.", f"单元格 {place} 含有公式，请改为数值。"
    )
    return {**said, "pointer": f"/rows/{row}"}


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
