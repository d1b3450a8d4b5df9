"""A file for a bank: which payments it holds, who may have it made and read it, and what its results come to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, NewType
from uuid import UUID

from qingdan.bank_events import PaymentRejected, PaymentReturned, PaymentReversed, PaymentSettled
from qingdan.divisions import DivisionCode
from qingdan.ids import BankCode, BatchId, PaymentId, RunId
from qingdan.money import Fen
from qingdan.subsidy_events import Period
from runtime.problems import Conflict
from subsidy.bank_profile_rules import BankProfile
from subsidy.bank_row_rules import OtherFile, ResultRow
from subsidy.payment_rules import BankMessage, Odd, Payment
from subsidy.run_rules import Run, RunNotThere

BankFileId = NewType("BankFileId", UUID)
FileState = Literal["making", "ready", "empty"]

PAYMENTS_MAX: Final = 500_000
PAYMENTS_PER_BATCH: Final = 5_000
"""So many are opened and written in one transaction: a quarter of a second of key agreements."""


class BankTakesEvents(Conflict):
    """This county's bank is told of payments by events, not by files. 该县的代发银行通过消息接收支付指令，不使用文件。

    An operator says in the bank's profile by which channel it is paid. 由运维人员在银行模板中设定通道。
    """


class NothingForAFile(Conflict):
    """No payment of this run waits to be sent. 本批次没有待发送的支付。"""


class FileUnderWay(Conflict):
    """A file of this run is being made already. 本批次的文件正在生成。

    Wait until it is ready. 请等待其完成。
    """


class FileNotReady(Conflict):
    """The file is not ready yet, or nobody could be paid by it. 文件尚未生成完毕，或其中没有可支付的对象。"""


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file as the rules see it. ready: it will not change any more; empty: nobody in it had an account."""

    id: BankFileId
    run: RunId
    division: DivisionCode
    period: Period
    bank: BankCode
    profile: BankProfile
    state: FileState
    payments_max: int
    payments: int
    total_fen: Fen
    batches: int
    ordered_at: datetime
    file_name: str
    version: int

    @property
    def left(self) -> int:
        """How many more payments it may take."""
        return self.payments_max - self.payments


@dataclass(frozen=True, slots=True)
class Taken:
    """What rows come to: messages to be weighed, and what is odd before they are."""

    messages: Sequence[BankMessage]
    odd: Sequence[Odd]


def order(run: Run, profile: BankProfile | None, *, anything_prepared: bool) -> BankProfile:
    """The profile by which a file of the run is made. Raises RunNotThere, BankTakesEvents, NothingForAFile."""
    if run.state not in ("approved", "paying"):
        raise RunNotThere(state=run.state)
    if profile is None or profile.channel != "file":
        raise BankTakesEvents()
    if not anything_prepared:
        raise NothingForAFile()
    return profile


def payments_max(profile: BankProfile, asked: int | None) -> int:
    """How many payments a file takes: a workbook is written whole, and takes those of one batch."""
    limit = PAYMENTS_PER_BATCH if profile.format == "xlsx" else PAYMENTS_MAX
    return min(asked or limit, limit)


def name_of(profile: BankProfile, bank: BankCode, period: Period, file: UUID, *, on: date) -> str:
    """The file's name by the profile's pattern, with its ending."""
    ending = {"pain.001": "xml"}.get(profile.format, profile.format)
    named = profile.file_name.format(bank=bank, period=period, file=file.hex, date=f"{on:%Y%m%d}")
    return f"{named}.{ending}"


def require_ready(file: BankFile) -> None:
    """Raises FileNotReady."""
    if file.state != "ready":
        raise FileNotReady(state=file.state)


def take_results(
    file: BankFile,
    rows: Iterable[ResultRow],
    payments: Iterable[Payment],
    files: Mapping[BatchId, UUID],
    *,
    any_batch: BatchId,
) -> Taken:
    """A bank message for each row, to be weighed like any other.

    files: of each batch that these payments were sent in, the file. any_batch: one of the file's, for payments that
    nobody knows. A refusal of another amount than ours moves no money and is odd: whom it is about is not certain.
    Raises OtherFile when a payment went out otherwise than by this file.
    """
    known, messages, odd = {payment.id: payment for payment in payments}, list[BankMessage](), list[Odd]()
    for row in rows:
        payment = known.get(row.payment)
        batch = payment.batch if payment is not None and payment.batch is not None else any_batch
        if payment is not None and payment.batch is not None and files.get(payment.batch) != file.id:
            raise OtherFile(row=row.number)
        if row.word == "rejected" and payment is not None and payment.amount_fen != row.amount_fen:
            odd.append(Odd("wrong_amount", file.bank, row.payment, "rejected", row.amount_fen, row.reference))
            continue
        messages.append(_message(file.bank, batch, row))
    return Taken(messages, odd)


def _message(bank: BankCode, batch: BatchId, row: ResultRow) -> BankMessage:
    whose = {"bank": bank, "payment": PaymentId(row.payment), "batch": batch}
    if row.word == "rejected":
        return PaymentRejected(**whose, reason=row.reason or "", rejected_on=row.on)
    moved = {**whose, "amount_fen": row.amount_fen, "bank_reference": row.reference}
    if row.word == "settled":
        return PaymentSettled(**moved, settled_on=row.on)
    if row.word == "reversed":
        return PaymentReversed(**moved, reason=row.reason or "", reversed_on=row.on)
    return PaymentReturned(**moved, reason=row.reason or "", returned_on=row.on)
