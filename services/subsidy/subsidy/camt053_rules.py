"""ISO 20022 bank-to-customer statement, camt.053.001.08: the subset that a day of an account needs, read safely.

A document type, an entity, another namespace, more depth or more entries than a statement has: refused before anything
is made of it. What is not in the subset is passed over.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, NoReturn
from uuid import UUID
from xml.parsers import expat

from qingdan.ids import PaymentId
from runtime.problems import Refusal

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
BYTES_MAX: Final = 16 * 1024 * 1024
ENTRIES_MAX: Final = 50_000
DEPTH_MAX: Final = 24
_TEXT_MAX: Final = 500

_AMOUNT: Final = re.compile(r"([0-9]{1,14})(?:\.([0-9]{1,2})0{0,3})?")
_PAYMENT: Final = re.compile(r"[0-9a-fA-F]{32}")
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_STATUS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_ACCOUNT: Final = re.compile(r"[0-9A-Z]{8,34}")

Problem = Literal[
    "size",
    "xml",
    "doctype",
    "namespace",
    "depth",
    "entries",
    "statements",
    "number",
    "account",
    "balances",
    "amount",
    "direction",
    "booked",
    "day",
    "transactions",
]


class StatementUnreadable(Refusal):
    """This is no daily statement in camt.053.001.08; problem and entry say where. 文件不是 camt.053.001.08 日对账单。

    What is taken is written down in docs/bank-files.md; nothing of it was taken.
    格式要求见银行文件说明，本次未作任何处理。
    """

    status = 422


class StatementOtherCurrency(Refusal):
    """The statement has amounts in another currency than yuan. 对账单中含有人民币以外的币种。"""

    status = 422


class BalancesDiffer(Refusal):
    """Opening balance and entries do not come to the closing balance. 期初余额加减明细不等于期末余额。

    Get the statement from the bank once more; nothing of it was taken. 请重新向银行索取，本次未作任何处理。
    """

    status = 422


@dataclass(frozen=True, slots=True)
class Entry:
    """Money that moved on the account. credit: it came in. payment: whose it is, by the reference; None: none of ours.

    status is the bank's additional word when it is a code; free text may say whose money it is, and is not kept.
    """

    number: int
    credit: bool
    amount_fen: int
    payment: PaymentId | None
    bank_reference: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class DailyStatement:
    """One day of one account. Balances below zero are overdrawn."""

    number: str
    account: str
    on: date
    opening_fen: int
    closing_fen: int
    entries: tuple[Entry, ...]

    @property
    def credit_fen(self) -> int:
        return sum(entry.amount_fen for entry in self.entries if entry.credit)

    @property
    def debit_fen(self) -> int:
        return sum(entry.amount_fen for entry in self.entries if not entry.credit)


def read_statement(body: bytes) -> DailyStatement:
    """Raises StatementUnreadable, StatementOtherCurrency, BalancesDiffer."""
    if len(body) > BYTES_MAX:
        _unreadable("size")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, UnicodeError, LookupError, ValueError):
        reader.broken = True
    if reader.broken:  # raised out here, so that no traceback carries what was inside
        _unreadable("xml")
    return _statement(reader)


@dataclass(slots=True)
class _Reader:
    """What the parser has met; texts of the element under way by the names on the way to it."""

    path: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    of_statement: dict[str, str] = field(default_factory=dict)
    balances: dict[str, dict[str, str]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    statements: int = 0
    broken: bool = False
    _open: dict[str, str] = field(default_factory=dict)
    _transactions: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self.path.append(local if namespace == NAMESPACE else "?")
        self.said = []
        if len(self.path) == 1 and self.path != ["Document"]:
            _unreadable("namespace")
        if len(self.path) > DEPTH_MAX:
            _unreadable("depth")
        here = self.path[3:]
        if self.path == ["Document", "BkToCstmrStmt", "Stmt"]:
            self.statements += 1
        elif here in (["Ntry"], ["Bal"]):
            self._open, self._transactions = {}, 0
        elif here[1:] == ["NtryDtls", "TxDtls"]:
            self._transactions += 1
        if local in ("Amt", "TxAmt", "InstdAmt") and attributes.get("Ccy", "CNY") != "CNY":
            raise StatementOtherCurrency()

    def text(self, text: str) -> None:
        if sum(map(len, self.said)) + len(text) <= _TEXT_MAX:
            self.said.append(text)

    def end(self, _: str) -> None:
        here, said = self.path[3:], "".join(self.said).strip()
        if self.path[:3] == ["Document", "BkToCstmrStmt", "Stmt"]:
            if here == ["Ntry"]:
                self._end_entry()
            elif here == ["Bal"]:
                self.balances.setdefault(self._open.get("Tp/CdOrPrtry/Cd", ""), self._open)
            elif here[:1] in (["Ntry"], ["Bal"]):
                self._open.setdefault("/".join(here[1:]), said)
            else:
                self.of_statement.setdefault("/".join(here), said)
        self.path.pop()
        self.said = []

    def _end_entry(self) -> None:
        number = len(self.entries) + 1
        if number > ENTRIES_MAX:
            _unreadable("entries")
        if self._transactions > 1:
            _unreadable("transactions", number)
        said = self._open
        if said.get("Sts/Cd", said.get("Sts")) != "BOOK":
            _unreadable("booked", number)
        if _day(said, "BookgDt") is None:
            _unreadable("day", number)
        self.entries.append(
            Entry(
                number=number,
                credit=_is_credit(said, number),
                amount_fen=_fen(said, number) or _unreadable("amount", number),
                payment=_payment(said),
                bank_reference=_only(_NUMBER, said.get("AcctSvcrRef", "")),
                status=_only(_STATUS, said.get("AddtlNtryInf", "")),
            )
        )
        self.of_statement.setdefault("first day", str(_day(said, "BookgDt")))
        if str(_day(said, "BookgDt")) != self.of_statement["first day"]:
            _unreadable("day", number)


def _statement(reader: _Reader) -> DailyStatement:
    """Put together, and checked as a whole."""
    if reader.statements != 1:
        _unreadable("statements")
    number = _only(_NUMBER, reader.of_statement.get("Id", "")) or _unreadable("number")
    account = _account(reader.of_statement) or _unreadable("account")
    if reader.of_statement.get("Acct/Ccy", "CNY") != "CNY":
        raise StatementOtherCurrency()
    opening, closing = (reader.balances.get(kind) or _unreadable("balances") for kind in ("OPBD", "CLBD"))
    on = _day(closing, "Dt") or _unreadable("day")
    days = {reader.of_statement[at][:10] for at in ("FrToDt/FrDtTm", "FrToDt/ToDtTm") if at in reader.of_statement}
    if reader.of_statement.get("first day", str(on)) != str(on) or days > {str(on)} or (days and days != {str(on)}):
        _unreadable("day")
    statement = DailyStatement(number, account, on, _balance(opening), _balance(closing), tuple(reader.entries))
    if statement.opening_fen + statement.credit_fen - statement.debit_fen != statement.closing_fen:
        raise BalancesDiffer(
            opening_fen=statement.opening_fen,
            credit_fen=statement.credit_fen,
            debit_fen=statement.debit_fen,
            closing_fen=statement.closing_fen,
        )
    return statement


def _balance(said: dict[str, str]) -> int:
    fen = _fen(said, None)
    return fen if _is_credit(said, None) else -fen


def _fen(said: dict[str, str], number: int | None) -> int:
    found = _AMOUNT.fullmatch(said.get("Amt", ""))
    if found is None:
        _unreadable("amount", number)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _is_credit(said: dict[str, str], number: int | None) -> bool:
    direction = said.get("CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        _unreadable("direction", number)
    return direction == "CRDT"


def _day(said: dict[str, str], at: str) -> date | None:
    text = said.get(f"{at}/Dt", said.get(f"{at}/DtTm", ""))[:10]
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _payment(said: dict[str, str]) -> PaymentId | None:
    """The end-to-end id, or else the entry's own reference, when it has the form of a payment's id."""
    for at in ("NtryDtls/TxDtls/Refs/EndToEndId", "NtryRef"):
        if found := _only(_PAYMENT, said.get(at, "")):
            return PaymentId(UUID(found))
    return None


def _account(said: dict[str, str]) -> str | None:
    return _only(_ACCOUNT, said.get("Acct/Id/Othr/Id", said.get("Acct/Id/IBAN", "")))


def _only(form: re.Pattern[str], text: str) -> str | None:
    return text if form.fullmatch(text) else None


def _refuse_doctype(*_: object) -> NoReturn:
    _unreadable("doctype")


def _unreadable(problem: Problem, entry: int | None = None) -> NoReturn:
    raise StatementUnreadable(problem=problem, entry=entry)
