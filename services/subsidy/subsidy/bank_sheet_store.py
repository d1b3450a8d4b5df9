"""Workbooks (xlsx) of banks: rows of text to bytes, and bytes to rows; what the cells mean is known elsewhere."""

import re
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Final
from xml.parsers import expat
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from python_calamine import CalamineError, CalamineWorkbook
from xlsxwriter import Workbook  # type: ignore[import-untyped] # it ships no types

from subsidy.bank_row_rules import FileUnreadable

SHEET: Final = "代发"
UNPACKED_BYTES_MAX: Final = 64 * 1024 * 1024
PARTS_MAX: Final = 200
ROWS_MAX: Final = 20_000
COLUMNS_MAX: Final = 100

_NO_XML: Final = re.compile("[\ufffe\uffff\ud800-\udfff]")
_PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


def write_sheet(rows: Iterable[Sequence[str]], *, on: date) -> bytes:
    """A workbook of one sheet whose cells are all text: no number loses a digit, and nothing is a formula or a link.

    In memory: what is written to a disk for a moment could be found on it.
    """
    out = BytesIO()
    workbook = Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    workbook.set_properties({"created": datetime(on.year, on.month, on.day)})
    text = workbook.add_format({"num_format": "@"})
    sheet = workbook.add_worksheet(SHEET)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            sheet.write_string(row, column, _NO_XML.sub("\ufffd", cell), text)
    workbook.close()
    return out.getvalue()


def read_sheet(body: bytes) -> Sequence[Sequence[object]]:
    """The cells of a workbook's only or first sheet. Raises FileUnreadable for what is no workbook, too large, locked,
    or holds a formula: its value is known only to whoever computes it."""
    bounded = _bounded(body)
    try:
        with CalamineWorkbook.from_filelike(bounded) as workbook:
            return workbook.get_sheet_by_index(0).to_python(skip_empty_area=False, nrows=ROWS_MAX)
    except (CalamineError, OSError, ValueError, IndexError):
        raise FileUnreadable(format="xlsx") from None


def _bounded(body: bytes) -> BytesIO:
    """The workbook packed anew from parts that have been looked at, so that nothing is unpacked that was not counted.

    A cell far away, or a size that lies, would have the reader ask for more memory than there is.
    """
    packed = BytesIO()
    try:
        with ZipFile(BytesIO(body)) as given, ZipFile(packed, "w", ZIP_STORED) as kept:
            parts = given.infolist()
            fits = len(parts) <= PARTS_MAX and sum(part.file_size for part in parts) <= UNPACKED_BYTES_MAX
            if not fits or any(part.flag_bits & 1 for part in parts):
                raise FileUnreadable(format="xlsx", unpacked_bytes_max=UNPACKED_BYTES_MAX)
            for part in parts:
                content = given.read(part)
                if _Scan.passes(content):  # no XML (pictures, macros) is left out
                    kept.writestr(part.filename, content)
    except (BadZipFile, NotImplementedError, EOFError, ValueError, OSError, RuntimeError, zlib.error):
        raise FileUnreadable(format="xlsx") from None
    packed.seek(0)
    return packed


class _Scan:
    """What one part says of cells: how far they reach is bounded."""

    def __init__(self) -> None:
        self.inside, self.row, self.column = False, 0, 0

    @classmethod
    def passes(cls, content: bytes) -> bool:
        """False for what is no well-formed XML. Raises FileUnreadable for entities, formulas, and cells too far."""
        found, parser = cls(), expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = found.start, found.end
        parser.EntityDeclHandler = _refuse
        try:
            parser.Parse(content, True)
        except expat.ExpatError:
            return False
        return True

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local, place = name.rpartition(":")[2], attributes.get("r", "")
        self.inside = self.inside or local == "sheetData"  # charts and drawings call other things by the same names
        if not self.inside:
            return
        if local == "row":
            self.row, self.column = int(place) if place.isdecimal() else self.row + 1, 0
        elif local == "c":
            found = _PLACE.fullmatch(place)
            if place and found is None:
                _refuse()
            self.column = _number(found[1]) if found else self.column + 1
            self.row = int(found[2]) if found else self.row
        elif local == "f":
            _refuse()
        if self.row > ROWS_MAX or self.column > COLUMNS_MAX:
            _refuse()

    def end(self, name: str) -> None:
        self.inside = self.inside and name.rpartition(":")[2] != "sheetData"


def _refuse(*_: object) -> None:
    raise FileUnreadable(format="xlsx", rows_max=ROWS_MAX, columns_max=COLUMNS_MAX)


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
