"""camt.053: a day's statement is read to the fen; hostile XML and what does not add up are refused."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingdan.money import FEN_MAX
from runtime.problems import Refusal
from subsidy import camt053_rules
from subsidy.camt053_rules import BalancesDiffer, StatementOtherCurrency, StatementUnreadable, read_statement
from tests.unit.subsidy.statements import ACCOUNT, camt053, entry, of_movements

PAYMENT: Final = UUID("0197f1a0-0000-7000-8000-000000000001")
GOOD: Final = of_movements([(-80_000, PAYMENT.hex), (5, "")], opening=100_000)

MOVEMENTS = st.lists(
    st.tuples(
        st.integers(-FEN_MAX // 100, FEN_MAX // 100).filter(bool),
        st.one_of(st.just(""), st.uuids().map(lambda u: u.hex)),
    ),
    max_size=12,
)


def test_a_day_is_read() -> None:
    statement = read_statement(GOOD)
    assert (statement.number, statement.account, statement.on) == ("S-2026-07-20", ACCOUNT, date(2026, 7, 20))
    assert (statement.opening_fen, statement.closing_fen) == (100_000, 20_005)
    paid, other = statement.entries
    assert (paid.payment, paid.credit, paid.amount_fen, paid.bank_reference) == (PAYMENT, False, 80_000, "R-1")
    assert (other.payment, other.credit, other.amount_fen, other.status) == (None, True, 5, "PAID")


@given(MOVEMENTS, st.integers(-FEN_MAX // 100, FEN_MAX // 100))
def test_any_day_is_read_to_the_fen(movements: Sequence[tuple[int, str]], opening: int) -> None:
    statement = read_statement(of_movements(movements, opening=opening))
    read = [(each.amount_fen if each.credit else -each.amount_fen) for each in statement.entries]
    assert read == [fen for fen, _ in movements]
    assert [each.payment.hex if each.payment else "" for each in statement.entries] == [said for _, said in movements]
    assert (statement.opening_fen, statement.closing_fen) == (opening, opening + sum(read))


def test_what_the_bank_says_of_people_is_not_kept() -> None:
    said = entry(-1, status="付给金丝雀甄 6200000000000001")
    statement = read_statement(camt053(said, opening=1, closing=0))
    assert statement.entries[0].status is None


BOMB: Final = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Document>&b;</Document>'
OUTSIDE: Final = b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><Document/>'


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (BOMB, "doctype"),
        (OUTSIDE, "doctype"),
        (
            GOOD.replace(b"<Document", b'<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document'),
            "doctype",
        ),
        (b"", "xml"),
        (b"\x00\x01", "xml"),
        (GOOD[:-30], "xml"),
        (GOOD.replace(b'encoding="UTF-8"', b'encoding="x-nothing"'), "xml"),
        (GOOD.replace(b"camt.053.001.08", b"camt.053.001.02"), "namespace"),
        (b"<Document>" + b"<a>" * 5, "namespace"),
        (GOOD.replace(b"<GrpHdr>", b"<GrpHdr>" + b"<a>" * 40 + b"</a>" * 40), "depth"),
        (GOOD.replace(b"</Stmt>", b"</Stmt><Stmt></Stmt>"), "statements"),
        (GOOD.replace(b"<Id>S-2026-07-20</Id>", b""), "number"),
        (GOOD.replace(ACCOUNT.encode(), b"62 00"), "account"),
        (GOOD.replace(b"OPBD", b"ITBD"), "balances"),
        (GOOD.replace(b"800.00", b"8e2"), "amount"),
        (GOOD.replace(b"800.00", b"-800.00"), "amount"),
        (GOOD.replace(b"800.00", b"800.001"), "amount"),
        (GOOD.replace(b"800.00", b"0.00"), "amount"),
        (GOOD.replace(b"<CdtDbtInd>DBIT", b"<CdtDbtInd>BOTH"), "direction"),
        (GOOD.replace(b"BOOK", b"PDNG"), "booked"),
        (GOOD.replace(b"<BookgDt><Dt>2026-07-20", b"<BookgDt><Dt>2026-02-30"), "day"),
        (GOOD.replace(b"<BookgDt><Dt>2026-07-20", b"<BookgDt><Dt>2026-07-19"), "day"),
        (GOOD.replace(b"<BookgDt><Dt>2026-07-20", b"<BookgDt><Dt>2026-07-19", 1), "day"),
        (GOOD.replace(b"</TxDtls>", b"</TxDtls><TxDtls></TxDtls>", 1), "transactions"),
    ],
)
def test_what_is_no_statement_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(StatementUnreadable) as refused:
        read_statement(body)
    assert refused.value.details["problem"] == problem


@pytest.mark.parametrize("place", [b'<Amt Ccy="CNY">800', b'<Amt Ccy="CNY">1000', b"<Ccy>CNY</Ccy>"])
def test_another_currency_is_refused(place: bytes) -> None:
    assert place in GOOD
    with pytest.raises(StatementOtherCurrency):
        read_statement(GOOD.replace(place, place.replace(b"CNY", b"USD")))


def test_what_does_not_add_up_is_refused() -> None:
    with pytest.raises(BalancesDiffer) as refused:
        read_statement(camt053(entry(-100), opening=1_000, closing=901))
    assert refused.value.details == {"opening_fen": 1_000, "credit_fen": 0, "debit_fen": 100, "closing_fen": 901}


def test_there_are_limits_on_size_and_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt053_rules, "ENTRIES_MAX", 1)
    with pytest.raises(StatementUnreadable, match="camt"):
        read_statement(GOOD)
    monkeypatch.setattr(camt053_rules, "BYTES_MAX", 10)
    with pytest.raises(StatementUnreadable) as refused:
        read_statement(GOOD)
    assert refused.value.details["problem"] == "size"


@given(st.binary(max_size=200), st.integers(0, len(GOOD) - 1), st.integers(0, 60))
def test_any_bytes_are_read_or_refused(noise: bytes, at: int, length: int) -> None:
    status: Any = 422
    for body in (noise, GOOD[:at] + noise + GOOD[at + length :]):
        try:
            read_statement(body)
        except Refusal as refused:
            status = refused.status
        assert status == 422
