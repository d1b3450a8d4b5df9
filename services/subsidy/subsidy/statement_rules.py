"""A bank's statement: what it may say of a payment, and the ways in which it can differ from our books."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from qingdan.bank_events import BankReference
from qingdan.ids import PaymentId
from qingdan.money import FenPaid

LINES_PER_CALL_MAX: Final = 2_000  # about 400 KB of JSON

DifferenceKind = Literal[
    "not_on_statement", "not_ours", "listed_twice", "status_differs", "amount_differs", "reference_differs"
]


class StatementLine(BaseModel):
    """What became of one payment, in the bank's own book."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    payment: PaymentId
    status: Literal["settled", "rejected", "returned"]
    amount_fen: FenPaid
    bank_reference: BankReference | None = Field(default=None, description="null where nothing was moved")
