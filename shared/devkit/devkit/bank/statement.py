"""What the bank's book says, read from outside: totals, the lines of a statement, and batches that do not add up."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from uuid import UUID

from devkit.bank.book import FILE
from devkit.bank.references import reference

FUNDS_FEN: Final = 1_000_000_000_000
COUNTY_ACCOUNT: Final = "6200000000000000"
CAMT053: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One payment; whoever was not paid has no bank reference, an order that could not be read no amount."""

    payment: UUID
    batch: UUID
    status: str
    amount_fen: int | None
    bank_reference: str | None


@dataclass(frozen=True, slots=True)
class WrongBatch:
    """A batch that has other payments than were declared; None for a batch that was never declared."""

    batch: UUID
    declared: int | None
    arrived: int
    declared_fen: int | None
    arrived_fen: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The book in figures. `paid_fen` is what has left the bank and not come back, `paid_twice` the payments for which
    money left more than once; `tally` has what is only counted.
    """

    payments: Mapping[str, int]
    paid_fen: int
    paid_twice: int
    instructed_again: int
    waiting: int
    answers: int
    answers_unsent: int
    tally: Mapping[str, int]


def totals(directory: Path) -> Totals:
    """Everything that the book in `directory` counts. The bank may be writing; one moment is seen."""
    with _read(directory) as db:
        (paid_fen,) = db.execute("SELECT coalesce(sum(amount_fen), 0) FROM transfer").fetchone()
        (paid_twice,) = db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM transfer WHERE amount_fen > 0 GROUP BY payment HAVING count(*) > 1)"
        ).fetchone()
        (again,) = db.execute("SELECT coalesce(sum(times_instructed - 1), 0) FROM payment").fetchone()
        (waiting,) = db.execute("SELECT count(*) FROM waiting").fetchone()
        answers, unsent = db.execute("SELECT count(*), count(due_ms) FROM answer").fetchone()
        return Totals(
            payments=dict(db.execute("SELECT status, count(*) FROM payment GROUP BY status").fetchall()),
            paid_fen=paid_fen,
            paid_twice=paid_twice,
            instructed_again=again,
            waiting=waiting,
            answers=answers,
            answers_unsent=unsent,
            tally=dict(db.execute("SELECT name, times FROM tally").fetchall()),
        )


def statement(directory: Path, code: str, batches: frozenset[UUID] | None = None) -> list[StatementLine]:
    """Every payment, or those of some batches, by batch and number in it."""
    return list(statement_lines(directory, code, batches))


def statement_lines(directory: Path, code: str, batches: frozenset[UUID] | None = None) -> Iterator[StatementLine]:
    """As `statement`, line by line, of the moment in which the first is asked for."""
    with _read(directory) as db:
        rows = db.execute("SELECT id, batch, status, amount_fen FROM payment ORDER BY batch, seq, id").fetchall()
    for number, batch, status, amount_fen in rows:
        if batches is None or UUID(batch) in batches:
            payment = UUID(number)
            yield StatementLine(
                payment,
                UUID(batch),
                "returned" if status == "reversed" else status,  # to a statement money is back, whoever sent it
                amount_fen,
                reference(code, payment) if status in {"settled", "returned", "reversed"} else None,
            )


def camt053(directory: Path, code: str, day: date) -> str:
    """The day's statement of the county's account as the bank gives it out, camt.053.001.08 (ISO 20022).

    The account held FUNDS_FEN when the book began. Every movement names its payment in EndToEndId.
    """
    with _read(directory) as db:
        (before,) = db.execute(
            "SELECT coalesce(sum(amount_fen), 0) FROM transfer WHERE on_day < ?", (str(day),)
        ).fetchone()
        moved = db.execute(
            "SELECT number, payment, amount_fen FROM transfer WHERE on_day = ? ORDER BY number", (str(day),)
        ).fetchall()
    opening = FUNDS_FEN - before
    closing = opening - sum(amount for _, _, amount in moved)
    entries = "".join(_entry(code, day, number, UUID(payment), amount) for number, payment, amount in moved)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{CAMT053}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>{code}-{day:%Y%m%d}</MsgId><CreDtTm>{day}T23:59:59+08:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{code}-{day:%Y%m%d}</Id><CreDtTm>{day}T23:59:59+08:00</CreDtTm>"
        f"<Acct><Id><Othr><Id>{COUNTY_ACCOUNT}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>\n"
        f"{_balance('OPBD', opening, day)}{_balance('CLBD', closing, day)}{entries}</Stmt></BkToCstmrStmt></Document>\n"
    )


def _balance(kind: str, fen: int, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(fen)}"
        f"<CdtDbtInd>{'CRDT' if fen >= 0 else 'DBIT'}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>\n"
    )


def _entry(code: str, day: date, number: int, payment: UUID, paid_fen: int) -> str:
    """Money that left is a debit; what came back is a credit."""
    return (
        f"<Ntry><NtryRef>{number}</NtryRef>{_amount(paid_fen)}"
        f"<CdtDbtInd>{'DBIT' if paid_fen > 0 else 'CRDT'}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{reference(code, payment)}</AcctSvcrRef>"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{payment.hex}</EndToEndId></Refs></TxDtls></NtryDtls>"
        f"<AddtlNtryInf>{'PAID' if paid_fen > 0 else 'BACK'}</AddtlNtryInf></Ntry>\n"
    )


def _amount(fen: int) -> str:
    yuan, rest = divmod(abs(fen), 100)
    return f'<Amt Ccy="CNY">{yuan}.{rest:02d}</Amt>'


def wrong_batches(directory: Path) -> list[WrongBatch]:
    """Where count or total of what arrived is not what was declared."""
    with _read(directory) as db:
        rows = db.execute(
            """
            WITH arrived AS (
                SELECT batch, count(*) AS n, coalesce(sum(amount_fen), 0) AS fen FROM payment GROUP BY batch
            )
            SELECT coalesce(batch.id, arrived.batch), batch.count, coalesce(n, 0), batch.total_fen, coalesce(fen, 0)
            FROM batch FULL JOIN arrived ON arrived.batch = batch.id
            WHERE batch.count IS NOT n OR batch.total_fen IS NOT fen ORDER BY 1
            """
        ).fetchall()
    return [WrongBatch(UUID(batch), *row) for batch, *row in rows]


@contextmanager
def _read(directory: Path) -> Iterator[sqlite3.Connection]:
    path = directory / FILE
    if not path.exists():
        raise FileNotFoundError(f"{path}: this bank has no book yet")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA query_only = ON")
        db.execute("BEGIN")
        yield db
