"""Messages to and from banks: payments instructed, sealed to the bank, and what became of them."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from qingdan.event import ContractModel, EventBody
from qingdan.identity import BankAccount, PersonName
from qingdan.ids import AccountCheckId, BankCode, BatchId, OpenCode, PaymentId, ProgrammeCode
from qingdan.money import FenPaid, FenTotal
from qingdan.sealed import Sealed, WrappedKey

PaymentsInBatch = Annotated[int, Field(ge=1, le=1_000_000)]
BankReference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
"""The bank's own number for the transaction."""


class PaymentOrder(ContractModel):
    """The clear payload of `payment.instructed`, which the bank unseals. Never on a topic as it is."""

    payment: PaymentId
    batch: BatchId
    seq: PaymentsInBatch
    programme: ProgrammeCode
    period: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}|-Q[1-4]|-H[12])?$")]
    amount_fen: FenPaid
    payee: PersonName
    account: BankAccount


class BatchDeclared(EventBody):
    """How many payments a batch has, what they sum to, and the key that opens them: sent before and kept per batch."""

    KEY: ClassVar[str] = "batch"

    type: Literal["batch.declared.v1"] = "batch.declared.v1"
    bank: BankCode
    batch: BatchId
    count: PaymentsInBatch
    total_fen: FenTotal
    key: WrappedKey
    declared_on: date


class PaymentInstructed(EventBody):
    """Pay one beneficiary; who, where and how much is sealed with the batch's key."""

    KEY: ClassVar[str] = "payment"

    type: Literal["payment.instructed.v1"] = "payment.instructed.v1"
    bank: BankCode
    payment: PaymentId
    batch: BatchId
    seq: PaymentsInBatch
    sealed: Sealed = Field(description="a sealed PaymentOrder")


class PaymentStatusRequested(EventBody):
    """What became of this payment? Asked before anything is sent a second time: unknown is not failed."""

    KEY: ClassVar[str] = "payment"

    type: Literal["payment.status-requested.v1"] = "payment.status-requested.v1"
    bank: BankCode
    payment: PaymentId
    batch: BatchId
    requested_at: AwareDatetime


class PaymentSettled(EventBody):
    """The bank paid."""

    KEY: ClassVar[str] = "payment"

    type: Literal["payment.settled.v1"] = "payment.settled.v1"
    bank: BankCode
    payment: PaymentId
    batch: BatchId
    amount_fen: FenPaid
    settled_on: date
    bank_reference: BankReference


class PaymentRejected(EventBody):
    """The bank did not pay, and will not."""

    KEY: ClassVar[str] = "payment"

    type: Literal["payment.rejected.v1"] = "payment.rejected.v1"
    bank: BankCode
    payment: PaymentId
    batch: BatchId
    reason: OpenCode
    rejected_on: date


class PaymentReturned(EventBody):
    """The bank had paid, and the money came back."""

    KEY: ClassVar[str] = "payment"

    type: Literal["payment.returned.v1"] = "payment.returned.v1"
    bank: BankCode
    payment: PaymentId
    batch: BatchId
    amount_fen: FenPaid
    reason: OpenCode
    returned_on: date
    bank_reference: BankReference


class PaymentReversed(EventBody):
    """The bank took back a payment of its own doing, because it had made a mistake: the money never stayed away."""

    KEY: ClassVar[str] = "payment"

    type: Literal["payment.reversed.v1"] = "payment.reversed.v1"
    bank: BankCode
    payment: PaymentId
    batch: BatchId
    amount_fen: FenPaid
    reason: OpenCode
    reversed_on: date
    bank_reference: BankReference


class PaymentStatusAnswered(EventBody):
    """What the bank knows of a payment; `never_received` alone allows the same payment to be sent again."""

    KEY: ClassVar[str] = "payment"

    type: Literal["payment.status-answered.v1"] = "payment.status-answered.v1"
    bank: BankCode
    payment: PaymentId
    batch: BatchId
    status: Literal["never_received", "in_progress", "settled", "rejected", "returned"]
    answered_at: AwareDatetime


class AccountToCheck(ContractModel):
    """The clear payload of `account.check-requested`, which the bank unseals. Never on a topic as it is."""

    check: AccountCheckId
    owner: PersonName
    account: BankAccount


class AccountCheckRequested(EventBody):
    """Is this account open, and is it this person's? Asked before the first payment to it; whose it is, is sealed."""

    KEY: ClassVar[str] = "check"

    type: Literal["account.check-requested.v1"] = "account.check-requested.v1"
    bank: BankCode
    check: AccountCheckId
    key: WrappedKey
    sealed: Sealed = Field(description="a sealed AccountToCheck")
    requested_at: AwareDatetime


class AccountChecked(EventBody):
    """What the bank knows of an account that it was asked about."""

    KEY: ClassVar[str] = "check"

    type: Literal["account.checked.v1"] = "account.checked.v1"
    bank: BankCode
    check: AccountCheckId
    owner_matches: bool | None = Field(description="null: the bank cannot tell; reason says why")
    reason: OpenCode | None = Field(description="why it does not match, or cannot be told; null when it matches")
    checked_on: date


ToBankEvent = Annotated[
    BatchDeclared | PaymentInstructed | PaymentStatusRequested | AccountCheckRequested,
    Field(discriminator="type"),
]
FromBankEvent = Annotated[
    PaymentSettled | PaymentRejected | PaymentReturned | PaymentReversed | PaymentStatusAnswered | AccountChecked,
    Field(discriminator="type"),
]
