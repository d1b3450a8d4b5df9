"""A list as a workbook: it comes back as it went out, no cell is a formula, and what is no such workbook is refused."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook  # type: ignore[import-untyped] # it ships no types

from qingdan.divisions import DivisionCode
from runtime.problems import Invalid
from tasks.list_file_rules import COLUMNS, SHEET, read_list
from tasks.list_rules import VILLAGE_LIST, ListVersion
from tasks.list_sheet_rules import sheets_of
from tasks.workbook_rules import SHEET_COLUMNS_MAX, SHEET_ROWS_MAX, rows_of
from tasks.workbook_store import read_workbook, write_workbook

_PRINTED = st.characters(min_codepoint=0x20, exclude_characters="\x7f\ufffe\uffff", exclude_categories=["Cs"])
TITLES = st.text(_PRINTED, min_size=1, max_size=30)
FORMULAS = TITLES.map(lambda text: "=" + text) | st.sampled_from(
    ["=1+1", "{=A1}", "http://x.cn", "'=1", "+1", "_x0041_"]
)


def written(version: ListVersion) -> bytes:
    return asyncio.run(write_workbook(sheets_of(version), version.effective_on))


def read(body: bytes) -> list[tuple[int, list[str]]]:
    return rows_of(asyncio.run(read_workbook(body, SHEET)))


def again(version: ListVersion) -> ListVersion:
    rows = read_list(read(written(version)), VILLAGE_LIST)
    return replace(version, items=rows.items, negative=rows.negative)


def errors_of(body: bytes) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        read_list(read(body), VILLAGE_LIST)
    errors: Any = refused.value.details["errors"]
    assert all(error["message"] and error["message_zh"] for error in errors)
    return [(error["pointer"], error["code"]) for error in errors]


def by_hand(write: Callable[[Any, Any], object], *names: str) -> bytes:
    """A workbook as somebody makes one; `write` gets its first sheet and a format for days."""
    out = BytesIO()
    workbook = Workbook(out, {"in_memory": True})
    sheets = [workbook.add_worksheet(name) for name in names or (SHEET,)]
    write(sheets[0], workbook.add_format({"num_format": "yyyy/m/d"}))
    workbook.close()
    return out.getvalue()


ROW = ["RS01", "statutory", "村务公开", "Publish", "", "", "MZJ", "MZJ", "task"]


def row_of(*rest: object) -> bytes:
    """One item whose cells from the tenth on are these."""

    def write(sheet: Any, days: Any) -> None:
        sheet.write_row(0, 0, COLUMNS)
        for column, cell in enumerate([*ROW, *rest]):
            sheet.write(1, column, cell, *([days] if isinstance(cell, date) else []))

    return by_hand(write)


def packed(**parts: bytes) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def changed(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with its first sheet's XML changed."""
    with ZipFile(BytesIO(body)) as given:
        parts = {name: given.read(name) for name in given.namelist()}
    name = "xl/worksheets/sheet1.xml"
    return packed(**{**parts, name: change(parts[name])})


def test_the_sample_list_comes_back_as_it_was_written(sample_list: ListVersion) -> None:
    term = {"division": DivisionCode("130431105205"), "valid_from": date(2026, 1, 1), "valid_to": date(2026, 12, 31)}
    item = sample_list.items[0].model_copy(update={"latest_working_days": 9, **term})
    version = replace(sample_list, items=(item, *sample_list.items[1:]))
    assert again(version) == version
    assert written(version) == written(version)


@settings(deadline=None)
@given(title=TITLES | FORMULAS)
@example(title="  _x0041_ \u0085\u2028 ")
def test_whatever_a_title_is_it_comes_back_and_is_no_formula(sample_list: ListVersion, title: str) -> None:
    item = sample_list.items[0].model_copy(update={"title_zh": title, "law": title})
    version = replace(sample_list, items=(item,), negative=())
    assert again(version) == version
    with ZipFile(BytesIO(written(version))) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name]
    assert not any(b"<f>" in sheet or b"hyperlink" in sheet for sheet in sheets)


def test_what_unicode_says_is_no_character_is_replaced(sample_list: ListVersion) -> None:
    item = sample_list.items[0].model_copy(update={"title_zh": "村\ufffe务\uffff"})
    assert again(replace(sample_list, items=(item,), negative=())).items[0].title_zh == "村\ufffd务\ufffd"


def test_numbers_booleans_and_days_are_cells_of_their_kind(sample_list: ListVersion) -> None:
    item = sample_list.items[0].model_copy(update={"valid_from": date(2026, 1, 1)})
    version = replace(sample_list, items=(item,), negative=())
    with CalamineWorkbook.from_filelike(BytesIO(written(version))) as workbook:
        rows = workbook.get_sheet_by_name(SHEET).to_python()
        told = {row[0] for row in workbook.get_sheet_by_name("说明").to_python()}
    cells = dict(zip(rows[0], rows[1], strict=True))
    kinds = [cells[name] for name in ("hours_estimate", "inspect_on_completion", "valid_from", "law")]
    assert kinds == [10.0, False, date(2026, 1, 1), item.law]
    assert set(COLUMNS) < told


def test_what_a_person_typed_is_understood() -> None:
    body = row_of(12.0, 8.0, True, "false", "", "", datetime(2026, 1, 1), date(2026, 12, 31))
    (item,) = read_list(read(body), VILLAGE_LIST).items
    assert (item.asks_per_village_year_max, item.hours_estimate, item.valid_to) == (12, 8, date(2026, 12, 31))
    assert (item.inspect_on_completion, item.paid, item.valid_from) == (True, False, date(2026, 1, 1))


@pytest.mark.parametrize(
    ("rest", "errors"),
    [
        ((12, 8.5, True, False), [("/rows/2/hours_estimate", "int_parsing")]),
        ((12, "many", True, False), [("/rows/2/hours_estimate", "int_parsing")]),
        ((12, 8, 7, False), [("/rows/2/inspect_on_completion", "bool_parsing")]),
        ((12, 1e300, True, False), [("/rows/2/hours_estimate", "less_than_equal")]),
        ((12, 8, True, False, "", "", datetime(2026, 1, 1, 9)), [("/rows/2/valid_from", "date_from_datetime_inexact")]),
        ((12, 8, True, False, *[""] * 4, "one more"), [("/rows/2/beyond_the_last_column", "extra_forbidden")]),
        ((12, "=4+4", True, False), [("/rows/2", "formula")]),
    ],
)  # fmt: skip
def test_every_bad_cell_is_named_by_its_row(rest: Sequence[object], errors: list[tuple[str, str]]) -> None:
    assert errors_of(row_of(*rest)) == errors


def test_empty_rows_and_coloured_cells_say_nothing(sample_list: ListVersion) -> None:
    def write(sheet: Any, days: Any) -> None:
        sheet.write_row(0, 0, COLUMNS)
        sheet.write_row(4, 0, [*ROW, 12, "x", True, False])
        sheet.write_blank(7, 30, None, days)

    assert errors_of(by_hand(write)) == [("/rows/5/hours_estimate", "int_parsing")]


def nothing(_: object, __: object) -> None: ...


OLE = bytes.fromhex("d0cf11e0a1b11ae1")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", ("/rows", "xlsx")),
        (b"code,category\n", ("/rows", "xlsx")),
        (b"PK\x03\x04 and no more", ("/rows", "xlsx")),
        (packed(**{"content.xml": b"<ods/>"}), ("/rows", "xlsx")),
        (packed(**{"xl/workbook.xml": b"<workbook/>"}), ("/rows", "xlsx")),
        (packed(**{"xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}), ("/rows", "xlsx")),
        (OLE + bytes(512), ("/rows", "xls")),
        (OLE + bytes(512) + "EncryptedPackage".encode("utf-16-le"), ("/rows", "encrypted")),
        (by_hand(nothing), ("/rows/1", "header")),
        (by_hand(nothing, "甲", "乙"), ("/rows", "sheet")),
        (packed(**{"xl/workbook.xml": b"<a/>", "b": bytes(17 * 1024 * 1024)}), ("/rows", "too_large")),
        (packed(**{"xl/workbook.xml": b"<a/>"} | {f"b{n}": b"" for n in range(200)}), ("/rows", "too_large")),
        (by_hand(lambda sheet, _: sheet.write(SHEET_ROWS_MAX, 0, 1)), ("/rows", "too_long")),
        (by_hand(lambda sheet, _: sheet.write(0, SHEET_COLUMNS_MAX, 1)), ("/rows", "too_long")),
    ],
)
def test_what_is_no_such_workbook_is_refused(body: bytes, error: tuple[str, str]) -> None:
    assert errors_of(body) == [error]


def test_a_sheet_of_another_name_is_taken_when_it_is_the_only_one() -> None:
    body = by_hand(lambda sheet, _: sheet.write_row(0, 0, COLUMNS), "Sheet1")
    assert errors_of(body) == [("/rows/1", "empty")]


def test_an_encrypted_part_is_refused(sample_list: ListVersion) -> None:
    body = bytearray(written(sample_list))
    central = body.index(b"PK\x01\x02")
    struct.pack_into("<H", body, central + 8, 1)
    assert errors_of(bytes(body)) == [("/rows", "encrypted")]


def test_a_part_that_says_it_is_small_and_is_not_is_never_unpacked_further(sample_list: ListVersion) -> None:
    body = bytearray(packed(**{"xl/workbook.xml": b"<a/>", "big": bytes(64 * 1024 * 1024)}))
    at = body.rindex(b"PK\x01\x02")
    struct.pack_into("<I", body, at + 24, 10)
    assert errors_of(bytes(body)) == [("/rows", "xlsx")]


@pytest.mark.parametrize("place", ["XFD1048576", "A9999999", "ZZZ1", "0", "A0", "$A$1"])
def test_a_cell_that_claims_to_be_far_away_asks_for_no_memory(sample_list: ListVersion, place: str) -> None:
    cell = f'<c r="{place}"><v>1</v></c></row></sheetData>'.encode()
    body = changed(written(sample_list), lambda xml: xml.replace(b"</row></sheetData>", cell, 1))
    ((pointer, code),) = errors_of(body)
    assert (pointer, code in {"too_long", "xlsx"}) == ("/rows", True)


@settings(deadline=None, max_examples=60)
@given(at=st.integers(min_value=0), byte=st.integers(min_value=0, max_value=255))
def test_a_damaged_workbook_is_read_or_refused(sample_list: ListVersion, at: int, byte: int) -> None:
    body = bytearray(written(replace(sample_list, items=sample_list.items[:3], negative=())))
    body[at % len(body)] = byte
    try:
        rows = read(bytes(body))
    except Invalid as refused:
        assert refused.details["errors"]  # noqa: PT017 - either way is right, anything else is not
    else:
        assert rows[0] == (1, [*COLUMNS])
