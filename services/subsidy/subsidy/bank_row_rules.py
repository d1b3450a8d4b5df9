"""Rows of a bank's files: payments that go out as rows of cells, results that come back as rows of cells.

The rows are the same in CSV, which is written and read here, and in a workbook, whose cells come from elsewhere. No
cell that goes out begins like a formula; whoever reads takes the apostrophe off again.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, TypedDict
from uuid import UUID

from qingdan.bank_events import PaymentOrder
from qingdan.ids import PaymentId
from qingdan.money import FEN_MAX, Fen
from runtime.problems import Invalid, Refusal
from subsidy.bank_profile_rules import CURRENCY, BankProfile, OrderField, RowWord

ROWS_MAX: Final = 100_000
ERRORS_MAX: Final = 100
TOTALS_MARK: Final = "合计"
OTHER_REASON: Final = "other"

Rows = list[tuple[int, list[str]]]
"""The rows of a file that are not empty, each with its number in it."""

# A spreadsheet takes a cell that begins like this for a formula; an apostrophe before it makes it text.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED: Final = re.compile(r"'+[=+\-@\t\r]")
_LINE_END: Final = re.compile(r"\r?\n")  # str.splitlines() would also end a line at U+0085 and U+2028
_YUAN: Final = re.compile(r"([0-9]{1,14})(?:\.([0-9]{1,2}))?")
_FEN: Final = re.compile(r"[0-9]{1,16}")
_PAYMENT: Final = re.compile(r"[0-9a-fA-F]{32}")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_DAY: Final = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})")
_SPREADSHEET_DIGITS: Final = 15  # a number cell holds no more exactly


class FileUnreadable(Refusal):
    """The file cannot be read as this bank's profile says. 文件无法按该银行的模板读取。

    Send the file as the bank gave it; columns and encoding are in the profile. 请原样上传银行文件，列与编码见银行模板。
    """

    status = 422


class FileTruncated(Refusal):
    """The file is cut off: its row with count and total is missing. 文件不完整：缺少合计行。

    Get it from the bank once more; nothing of it was taken. 请重新向银行索取，本次未作任何处理。
    """

    status = 422


class TotalsDiffer(Refusal):
    """Count or total of the file are not those of its rows. 文件合计行的笔数或金额与明细不符。

    Get it from the bank once more; nothing of it was taken. 请重新向银行索取，本次未作任何处理。
    """

    status = 422


class PaymentDoubled(Refusal):
    """The file names the same payment in two rows. 文件中同一付款编号出现了两次。

    Have the bank say which row holds; nothing of the file was taken. 请与银行核实以哪一行为准，本次未作任何处理。
    """

    status = 422


class OtherCurrency(Refusal):
    """The file has amounts in another currency than yuan. 文件中含有人民币以外的币种。"""

    status = 422


class OtherFile(Refusal):
    """The results are of another file than this one. 回盘文件不属于该付款文件。

    Take them in at the file that they name. 请在其所属的付款文件下导入。
    """

    status = 422


BadCell = Literal["columns", "payment", "amount", "status", "reference", "date"]
_SAID: Final[Mapping[BadCell, tuple[str, str]]] = {
    "columns": ("The row has another number of columns.", "该行的列数不符。"),
    "payment": ("This is no payment number of ours.", "付款编号格式不符。"),
    "amount": ("This is no amount above zero in the profile's form.", "金额须大于零且符合模板格式。"),
    "status": ("The profile does not know this status.", "银行模板中没有该处理状态。"),
    "reference": ("This is no transaction number.", "银行流水号格式不符。"),
    "date": ("This is no day up to today.", "处理日期无效或晚于今天。"),
}

RowError = TypedDict("RowError", {"in": str, "pointer": str, "code": str, "message": str, "message_zh": str})


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What the bank says of one payment; reason is a code of ours, for a payment that it did not pay or that came
    back."""

    number: int
    payment: PaymentId
    word: RowWord
    amount_fen: Fen
    reason: str | None
    reference: str | None
    on: date


@dataclass(frozen=True, slots=True)
class Totals:
    """What a file says of itself in its row of totals."""

    file: str
    count: int
    total_fen: int
    currency: str


def yuan_text(amount_fen: int) -> str:
    """An amount of zero or more fen in yuan with two decimals, as in `1234.05`: from whole numbers, never from
    floats."""
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def amount_text(profile: BankProfile, amount_fen: int) -> str:
    """An amount as the profile has it."""
    return yuan_text(amount_fen) if profile.amounts_in == "yuan" else str(int(amount_fen))


def amount_of(profile: BankProfile, text: str) -> int | None:
    """The amount in fen; None for what is no amount of at most FEN_MAX as the profile has it."""
    if profile.amounts_in == "fen":
        fen = int(text) if _FEN.fullmatch(text) else None
    else:
        found = _YUAN.fullmatch(text)
        fen = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else None
    return fen if fen is not None and fen <= FEN_MAX else None


# -- out ---------------------------------------------------------------------------------------------------------------


def opening_rows(profile: BankProfile, file: UUID, *, count: int, total_fen: int) -> list[list[str]]:
    """What stands before the payments: totals, titles, or neither."""
    rows = [_totals_row(profile, file, count, total_fen)] if profile.totals == "first" else []
    return [*rows, [column.title for column in profile.order_columns]] if profile.titles else rows


def closing_rows(profile: BankProfile, file: UUID, *, count: int, total_fen: int) -> list[list[str]]:
    """What stands behind the payments."""
    return [_totals_row(profile, file, count, total_fen)] if profile.totals == "last" else []


def order_rows(profile: BankProfile, orders: Iterable[PaymentOrder], *, first: int) -> Iterator[list[str]]:
    """A row for each payment, in the clear; `first` is the number of the first one in the file."""
    for seq, order in enumerate(orders, first):
        yield _cells(profile, order, seq)


def csv_bytes(profile: BankProfile, rows: Iterable[Sequence[str]], *, begins: bool) -> bytes:
    """Rows as a piece of a CSV file (RFC 4180) in the profile's encoding; the piece that begins one has its mark."""
    lines = _Lines()
    csv.writer(lines).writerows([escaped(cell) for cell in row] for row in rows)
    text = "".join(lines.written)
    if profile.encoding == "utf-8-sig":
        return text.encode("utf-8-sig" if begins else "utf-8", "replace")
    return text.encode(profile.encoding, "replace")


def escaped(cell: str) -> str:
    """The cell so that no spreadsheet computes it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _totals_row(profile: BankProfile, file: UUID, count: int, total_fen: int) -> list[str]:
    return [TOTALS_MARK, file.hex, str(count), amount_text(profile, total_fen), CURRENCY]


def _cells(profile: BankProfile, order: PaymentOrder, seq: int) -> list[str]:
    texts: dict[OrderField, str] = {
        "seq": str(seq),
        "payment": order.payment.hex,
        "payee": order.payee.reveal(),
        "account": order.account.reveal(),
        "amount": amount_text(profile, order.amount_fen),
        "currency": CURRENCY,
        "programme": order.programme,
        "period": order.period,
    }
    return [texts[column.field] for column in profile.order_columns]


# -- back --------------------------------------------------------------------------------------------------------------


def read_csv(profile: BankProfile, body: bytes) -> Rows:
    """The rows of a file in the profile's encoding. Raises FileUnreadable for what is no CSV in it."""
    try:
        lines = list(csv.reader(_LINE_END.split(body.decode(profile.encoding)), strict=True))
    except (UnicodeDecodeError, csv.Error):
        lines = []
    if not any(lines):
        raise FileUnreadable(encoding=profile.encoding)
    return [(number, [unescaped(cell.strip()) for cell in cells]) for number, cells in enumerate(lines, 1) if cells]


def cell_text(cell: object) -> str:
    """A cell of a workbook as a CSV file would have it; a number that no cell holds exactly is left to be refused."""
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() else repr(cell)
        exact = len(text.replace(".", "").lstrip("0")) <= _SPREADSHEET_DIGITS
        return text if exact else f"~{text}"
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date) else unescaped(str(cell).strip())


def unescaped(cell: str) -> str:
    """The cell as it was before it was made safe."""
    return cell[1:] if _ESCAPED.match(cell) else cell


def read_results(profile: BankProfile, file: UUID, rows: Rows, *, expected: int, today: date) -> list[ResultRow]:
    """What the rows of a file say of payments.

    expected: payments in the file that went out; without a row of totals the results must be of so many. Raises
    FileUnreadable, FileTruncated, TotalsDiffer, OtherFile, OtherCurrency, PaymentDoubled, and Invalid that names every
    bad row by its number in the file, at most 100 of them.
    """
    totals, said = _apart(profile, rows)
    if len(said) > ROWS_MAX:
        raise FileUnreadable(rows_max=ROWS_MAX)
    if totals is not None and totals.file.lower() != file.hex:
        raise OtherFile()
    if totals is not None and totals.currency != CURRENCY:
        raise OtherCurrency()
    results, errors = list[ResultRow](), list[RowError]()
    for number, cells in said:
        read = _result(profile, number, cells, today=today)
        if isinstance(read, ResultRow):
            results.append(read)
        else:
            errors.append(read)
    if errors:
        raise Invalid(errors=errors[:ERRORS_MAX])
    _require_totals(totals, results, expected=expected)
    _require_each_once(results)
    return results


def _apart(profile: BankProfile, rows: Rows) -> tuple[Totals | None, Rows]:
    """The row of totals, and the rows of payments."""
    rows, totals = list(rows), None
    if profile.totals != "none":
        place = 0 if profile.totals == "first" else -1
        if not rows or rows[place][1][0] != TOTALS_MARK:
            raise FileTruncated()
        totals = _totals_of(profile, rows.pop(place)[1])
    if profile.titles:
        titles = [column.title for column in profile.result_columns]
        if not rows or rows[0][1][: len(titles)] != titles or any(rows[0][1][len(titles) :]):
            raise FileUnreadable(titles=titles)
        del rows[0]
    return totals, rows


def _totals_of(profile: BankProfile, cells: Sequence[str]) -> Totals:
    _, file, count, total, currency, *_ = [*cells, *[""] * 4]
    total_fen = amount_of(profile, total)
    if total_fen is None or not _FEN.fullmatch(count):
        raise FileTruncated()
    return Totals(file, int(count), total_fen, currency)


def _require_totals(totals: Totals | None, results: Sequence[ResultRow], *, expected: int) -> None:
    count, total_fen = len(results), sum(row.amount_fen for row in results)
    if totals is None and count != expected:
        raise FileTruncated(rows=count, payments=expected)
    if totals is not None and (totals.count, totals.total_fen) != (count, total_fen):
        raise TotalsDiffer(
            said_count=totals.count, rows=count, said_total_fen=totals.total_fen, rows_total_fen=total_fen
        )


def _require_each_once(results: Sequence[ResultRow]) -> None:
    seen: dict[UUID, int] = {}
    doubled = list[tuple[int, int]]()
    for row in results:
        first = seen.setdefault(row.payment, row.number)
        if first != row.number:
            doubled.append((first, row.number))
    if doubled:
        raise PaymentDoubled(rows=doubled[:ERRORS_MAX])


def _result(profile: BankProfile, number: int, cells: Sequence[str], *, today: date) -> ResultRow | RowError:
    """One row; or what is wrong with it, the first bad cell."""
    if len(cells) < len(profile.result_columns) or any(cells[len(profile.result_columns) :]):
        return _error(number, "columns")
    named = dict(zip((column.field for column in profile.result_columns), cells, strict=False))
    if named.get("currency", "") not in ("", CURRENCY):
        raise OtherCurrency(row=number)
    payment, reference = named["payment"], named["reference"] or None
    amount_fen, word = amount_of(profile, named["amount"]), profile.statuses.get(named["status"])
    on = _day(named.get("date", ""), today)
    found: dict[BadCell, bool] = {
        "payment": _PAYMENT.fullmatch(payment) is None,
        "amount": not amount_fen,
        "status": word is None,
        "reference": word != "rejected" if reference is None else _REFERENCE.fullmatch(reference) is None,
        "date": on is None or on > today,
    }
    bad = next((cell for cell, is_bad in found.items() if is_bad), None)
    if bad is not None or word is None or amount_fen is None or on is None:
        return _error(number, bad or "columns")
    reason = None if word == "settled" else _reason(profile.reasons, named.get("reason", ""))
    return ResultRow(number, PaymentId(UUID(payment)), word, Fen(amount_fen), reason, reference, on)


def _reason(reasons: Mapping[str, str], words: str) -> str:
    """A code; the bank's own words may say whose account it is, and are not kept."""
    return reasons.get(words, OTHER_REASON)


def _day(text: str, today: date) -> date | None:
    if not text:
        return today
    found = _DAY.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _error(number: int, bad: BadCell) -> RowError:
    en, zh = _SAID[bad]
    return {"in": "body", "pointer": f"/rows/{number}/{bad}", "code": bad, "message": en, "message_zh": zh}


class _Lines:
    """What the writer of the standard library writes to."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> None:
        self.written.append(line)
