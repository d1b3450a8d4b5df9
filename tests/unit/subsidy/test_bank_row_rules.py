"""Bank files as rows: what goes out is read again to the fen in every profile; what comes back is read or refused."""

import csv
from collections.abc import Sequence
from datetime import date
from io import StringIO
from typing import Any, Final
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qingdan.bank_events import PaymentOrder
from qingdan.money import FEN_MAX
from runtime.problems import Invalid, Refusal
from subsidy import bank_row_rules, bank_sheet_store
from subsidy.bank_profile_rules import DEFAULT, ORDER_COLUMNS, BankProfile, OrderColumn
from subsidy.bank_row_rules import (
    FileTruncated,
    FileUnreadable,
    OtherCurrency,
    OtherFile,
    PaymentDoubled,
    ResultRow,
    TotalsDiffer,
)
from tests.unit.subsidy.payees import FILE, ORDERS, order

TODAY: Final = date(2026, 7, 20)

PROFILES = st.builds(
    BankProfile,
    format=st.just("csv"),
    encoding=st.sampled_from(["utf-8-sig", "gb18030"]),
    amounts_in=st.sampled_from(["yuan", "fen"]),
    titles=st.booleans(),
    totals=st.sampled_from(["first", "last", "none"]),
    order_columns=st.permutations(ORDER_COLUMNS).map(tuple),
)


def written(profile: BankProfile, orders: Sequence[PaymentOrder]) -> bytes:
    """The whole file, in the pieces in which it is made."""
    told: dict[str, Any] = {"count": len(orders), "total_fen": sum(each.amount_fen for each in orders)}
    return b"".join(
        [
            bank_row_rules.csv_bytes(profile, bank_row_rules.opening_rows(profile, FILE, **told), begins=True),
            bank_row_rules.csv_bytes(profile, bank_row_rules.order_rows(profile, orders, first=1), begins=False),
            bank_row_rules.csv_bytes(profile, bank_row_rules.closing_rows(profile, FILE, **told), begins=False),
        ]
    )


def answered(profile: BankProfile, orders: Sequence[PaymentOrder], **changed: str) -> list[list[str]]:
    """What a bank sends back: every payment succeeded, unless something is changed in each row."""
    total_fen = sum(each.amount_fen for each in orders)
    totals = [["合计", FILE.hex, str(len(orders)), bank_row_rules.amount_text(profile, total_fen), "CNY"]]
    rows = [
        [
            {
                "seq": str(each.seq),
                "payment": each.payment.hex,
                "amount": bank_row_rules.amount_text(profile, each.amount_fen),
                "currency": "CNY",
                "status": "成功",
                "reference": f"R-{each.seq}",
                "date": "20260719",
                **changed,
            }.get(column.field, "")
            for column in profile.result_columns
        ]
        for each in orders
    ]
    titles = [[column.title for column in profile.result_columns]] if profile.titles else []
    return [
        *(totals if profile.totals == "first" else []),
        *titles,
        *rows,
        *(totals if profile.totals == "last" else []),
    ]


def file_of(profile: BankProfile, rows: Sequence[Sequence[str]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(profile.encoding)


def read(profile: BankProfile, body: bytes, expected: int = 0) -> list[ResultRow]:
    rows = bank_row_rules.read_csv(profile, body)
    return bank_row_rules.read_results(profile, FILE, rows, expected=expected, today=TODAY)


@given(PROFILES, ORDERS)
def test_what_goes_out_reads_the_same_in_every_profile(profile: BankProfile, orders: Sequence[PaymentOrder]) -> None:
    text = written(profile, orders).decode(profile.encoding)
    rows = list(csv.reader(StringIO(text, newline=""), strict=True))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    above = (profile.totals == "first") + profile.titles
    paid = rows[above : above + len(orders)]
    at = {column.field: number for number, column in enumerate(profile.order_columns)}
    for row, each in zip(paid, orders, strict=True):
        assert bank_row_rules.amount_of(profile, row[at["amount"]]) == each.amount_fen
        assert bank_row_rules.unescaped(row[at["payee"]]) == each.payee.reveal()
        assert row[at["account"]] == each.account.reveal()
        assert row[at["payment"]] == each.payment.hex
    assert len(rows) == len(orders) + profile.titles + (profile.totals != "none")


@given(PROFILES, ORDERS)
def test_what_comes_back_is_read_to_the_fen(profile: BankProfile, orders: Sequence[PaymentOrder]) -> None:
    results = read(profile, file_of(profile, answered(profile, orders)), expected=len(orders))
    assert [(each.payment, each.amount_fen, each.word) for each in results] == [
        (each.payment, each.amount_fen, "settled") for each in orders
    ]
    assert {each.on for each in results} == {date(2026, 7, 19)}


@given(ORDERS)
def test_a_workbook_holds_every_cell_as_text(orders: Sequence[PaymentOrder]) -> None:
    rows = list(bank_row_rules.order_rows(DEFAULT, orders, first=1))
    cells = bank_sheet_store.read_sheet(bank_sheet_store.write_sheet(rows, on=TODAY))
    kept = [[cell.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd") for cell in row] for row in rows]
    assert [[str(cell).strip() for cell in row] for row in cells] == [[cell.strip() for cell in row] for row in kept]


@pytest.mark.parametrize("fen", [1, 9, 10, 99, 100, 101, 12_345, 10**15 + 1, FEN_MAX])
@pytest.mark.parametrize("amounts_in", ["yuan", "fen"])
def test_an_amount_is_written_and_read_exactly(fen: int, amounts_in: str) -> None:
    profile = DEFAULT.model_copy(update={"amounts_in": amounts_in})
    assert bank_row_rules.amount_of(profile, bank_row_rules.amount_text(profile, fen)) == fen


@pytest.mark.parametrize(
    "text", ["", "-1", "1.234", "1e3", "1,000.00", "０.01", "99999999999999.99", "NaN", "1.", ".5"]
)
def test_what_is_no_amount_is_none(text: str) -> None:
    assert bank_row_rules.amount_of(DEFAULT, text) is None


TWO = [order(1), order(2, amount_fen=12_345)]


def cut(rows: list[list[str]]) -> list[list[str]]:
    return rows[:-1]


def without_a_row(rows: list[list[str]]) -> list[list[str]]:
    return [*rows[:1], *rows[2:]]


def doubled(rows: list[list[str]]) -> list[list[str]]:
    return [*rows[:2], *rows[1:-1], ["合计", FILE.hex, "3", "1723.45", "CNY"]]


def of_another_file(rows: list[list[str]]) -> list[list[str]]:
    return [*rows[:-1], ["合计", uuid4().hex, *rows[-1][2:]]]


def in_dollars(rows: list[list[str]]) -> list[list[str]]:
    return [*rows[:-1], [*rows[-1][:4], "USD"]]


def a_dollar_row(rows: list[list[str]]) -> list[list[str]]:
    return [rows[0], [*rows[1][:5], "USD", *rows[1][6:]], *rows[2:]]


def another_total(rows: list[list[str]]) -> list[list[str]]:
    return [*rows[:-1], [*rows[-1][:3], "923.46", "CNY"]]


def other_titles(rows: list[list[str]]) -> list[list[str]]:
    return [["别的", *rows[0][1:]], *rows[1:]]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (cut, FileTruncated),
        (without_a_row, TotalsDiffer),
        (another_total, TotalsDiffer),
        (doubled, PaymentDoubled),
        (of_another_file, OtherFile),
        (in_dollars, OtherCurrency),
        (a_dollar_row, OtherCurrency),
        (other_titles, FileUnreadable),
        (lambda rows: [], FileUnreadable),
    ],
)
def test_a_file_that_cannot_be_true_is_refused(change: Any, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        read(DEFAULT, file_of(DEFAULT, change(answered(DEFAULT, TWO))))


def test_without_totals_a_file_names_every_payment() -> None:
    profile = DEFAULT.model_copy(update={"totals": "none"})
    with pytest.raises(FileTruncated):
        read(profile, file_of(profile, answered(profile, TWO)), expected=3)
    assert len(read(profile, file_of(profile, answered(profile, TWO)), expected=2)) == 2


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"payment": "12"}, "payment"),
        ({"amount": "8e2"}, "amount"),
        ({"amount": "0.00"}, "amount"),
        ({"status": "也许"}, "status"),
        ({"reference": "空 格"}, "reference"),
        ({"reference": ""}, "reference"),
        ({"date": "20260230"}, "date"),
        ({"date": "2026-07-21"}, "date"),
    ],
)
def test_every_bad_row_is_named_by_its_number(changed: dict[str, str], column: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(DEFAULT, file_of(DEFAULT, answered(DEFAULT, TWO, **changed)))
    errors = refused.value.details["errors"]
    assert isinstance(errors, list)
    assert [error["pointer"] for error in errors] == [f"/rows/2/{column}", f"/rows/3/{column}"]
    assert all(error["message"] and error["message_zh"] for error in errors)


def test_a_row_too_short_or_too_long_is_named() -> None:
    rows = answered(DEFAULT, TWO)
    for bad in (rows[1][:-1], [*rows[1], "x"]):
        with pytest.raises(Invalid) as refused:
            read(DEFAULT, file_of(DEFAULT, [rows[0], bad, *rows[2:]]))
        assert "/rows/2/columns" in str(refused.value.details["errors"])


def test_the_banks_own_words_for_why_are_not_kept() -> None:
    (known,) = read(DEFAULT, file_of(DEFAULT, answered(DEFAULT, TWO[:1], status="失败", reason="户名不符")))
    (other,) = read(DEFAULT, file_of(DEFAULT, answered(DEFAULT, TWO[:1], status="失败", reason="金丝雀甄已去世")))
    assert (known.reason, other.reason) == ("name_mismatch", "other")


@given(st.binary(max_size=300), PROFILES)
def test_any_bytes_are_read_or_refused(body: bytes, profile: BankProfile) -> None:
    status = 422
    try:
        read(profile, body)
    except Refusal as refused:
        status = refused.status
    assert status == 422


@given(st.binary(max_size=300))
def test_any_bytes_are_no_workbook(body: bytes) -> None:
    with pytest.raises(FileUnreadable):
        bank_sheet_store.read_sheet(body)


def test_a_number_that_no_cell_holds_exactly_is_refused() -> None:
    assert bank_row_rules.cell_text(1234.05) == "1234.05"
    assert bank_row_rules.cell_text(80_000.0) == "80000"
    assert bank_row_rules.amount_of(DEFAULT, bank_row_rules.cell_text(12345678901234.56)) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"order_columns": ORDER_COLUMNS[:3]},
        {"order_columns": (*ORDER_COLUMNS, OrderColumn(title="又一", field="amount"))},
        {"order_columns": (*ORDER_COLUMNS[:7], OrderColumn(title="金额", field="period"))},
        {"format": "pain.001"},
        {"file_name": "../{file}"},
        {"file_name": "{file.__class__}"},
        {"statuses": {}},
        {"encoding": "latin-1"},
    ],
)
def test_a_profile_that_contradicts_itself_is_none(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BankProfile.model_validate({"format": "csv", **changed})
