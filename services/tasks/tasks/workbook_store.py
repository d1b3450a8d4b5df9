"""Workbooks (xlsx) as they come in and go out: bytes to cells and back; what the cells mean is known elsewhere."""

import asyncio
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from io import BytesIO
from lzma import LZMAError
from typing import Final
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from python_calamine import CalamineError, CalamineWorkbook
from xlsxwriter import Workbook  # type: ignore[import-untyped] # it ships no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from runtime.problems import Invalid
from tasks.list_rules import ERRORS_MAX, RowError
from tasks.workbook_rules import (
    LOCKED,
    NOT_XLSX,
    PARTS_MAX,
    SHEET_ROWS_MAX,
    TOO_LARGE,
    UNPACKED_BYTES_MAX,
    WHICH_SHEET,
    XLS,
    Cell,
    Scan,
    Sheet,
)

Cells = Sequence[Sequence[object]]
"""Rows from the sheet's first on, each with a number, a text, a bool or a day for every column."""

_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_NO_XML: Final = re.compile("[\ufffe\uffff]")  # Unicode says these are no characters, and no XML can hold them


async def read_workbook(body: bytes, sheet: str) -> Cells:
    """The cells of that sheet, or of the only one. Raises Invalid that says what is wrong with the workbook.

    In a thread: the largest workbook that is let in takes long enough to keep other requests waiting.
    """
    return await asyncio.to_thread(_read, body, sheet)


async def write_workbook(sheets: Sequence[Sheet], on: date) -> bytes:
    """The workbook; the same sheets give the same bytes. No cell is a formula or a link, whatever its text is."""
    return await asyncio.to_thread(_write, sheets, on)


def _read(body: bytes, sheet: str) -> Cells:
    bounded = _bounded(body)
    try:
        with CalamineWorkbook.from_filelike(bounded) as workbook:
            names = workbook.sheet_names
            if sheet not in names and len(names) != 1:
                raise Invalid(errors=[WHICH_SHEET])
            chosen = workbook.get_sheet_by_name(sheet if sheet in names else names[0])
            return chosen.to_python(skip_empty_area=False, nrows=SHEET_ROWS_MAX)
    except (CalamineError, OSError, ValueError):
        raise Invalid(errors=[NOT_XLSX]) from None


def _bounded(body: bytes) -> BytesIO:
    """The workbook packed anew from parts that have been looked at, so that nothing is unpacked that was not counted.

    A cell far away, or a size that lies, would have the reader ask for more memory than there is.
    """
    if body.startswith(_OLE):
        raise Invalid(errors=[LOCKED if _ENCRYPTED in body else XLS])
    packed, formulas = BytesIO(), list[RowError]()
    try:
        with ZipFile(BytesIO(body)) as given, ZipFile(packed, "w", ZIP_STORED) as kept:
            for part in _parts(given):
                content = given.read(part)
                if (found := Scan.of(content)) is not None:  # no XML (pictures, macros) is left out
                    formulas += found.formulas
                    kept.writestr(part.filename, content)
    except (BadZipFile, NotImplementedError, EOFError, ValueError, OSError, RuntimeError, zlib.error, LZMAError):
        raise Invalid(errors=[NOT_XLSX]) from None
    if formulas:
        raise Invalid(errors=formulas[:ERRORS_MAX])
    packed.seek(0)
    return packed


def _parts(given: ZipFile) -> list[ZipInfo]:
    parts = given.infolist()
    if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX:
        raise Invalid(errors=[TOO_LARGE])
    if any(part.flag_bits & 1 for part in parts):
        raise Invalid(errors=[LOCKED])
    if "xl/workbook.xml" not in given.namelist():
        raise Invalid(errors=[NOT_XLSX])
    return parts


def _write(sheets: Sequence[Sheet], on: date) -> bytes:
    out = BytesIO()
    workbook = Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    workbook.set_properties({"created": datetime(on.year, on.month, on.day)})
    fill = {"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", "border": 1}
    heads = workbook.add_format({**fill, "valign": "vcenter", "text_wrap": True})
    lines = {"valign": "top", "text_wrap": True, "border": 1, "border_color": "#BFBFBF"}
    plain, dated = workbook.add_format(lines), workbook.add_format({**lines, "num_format": "yyyy-mm-dd"})
    for sheet in sheets:
        written = workbook.add_worksheet(sheet.name)
        for column, width in enumerate(sheet.widths):
            written.set_column(column, column, width)
        written.write_row(0, 0, sheet.header, heads)
        for row, column, cell in _cells(sheet):
            _write_cell(written, row, column, cell, dated if isinstance(cell, date) else plain)
        for column, choices in sheet.choices.items():
            written.data_validation(1, column, SHEET_ROWS_MAX - 1, column, {"validate": "list", "source": [*choices]})
        written.set_row(0, 30)
        written.freeze_panes(1, sheet.frozen_columns)
        written.autofilter(0, 0, max(1, len(sheet.rows)), len(sheet.header) - 1)
        written.set_landscape()
        written.set_paper(9)  # A4
        written.repeat_rows(0)
        written.fit_to_pages(1, 0)
    workbook.close()
    return out.getvalue()


def _cells(sheet: Sheet) -> Iterator[tuple[int, int, Cell]]:
    return ((at, column, cell) for at, row in enumerate(sheet.rows, start=1) for column, cell in enumerate(row))


def _write_cell(sheet: Worksheet, row: int, column: int, cell: Cell, look: object) -> None:
    if cell is None or cell == "":
        sheet.write_blank(row, column, None, look)
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell, look)
    elif isinstance(cell, int):
        sheet.write_number(row, column, cell, look)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, look)
    else:
        sheet.write_string(row, column, _NO_XML.sub("\ufffd", cell), look)
