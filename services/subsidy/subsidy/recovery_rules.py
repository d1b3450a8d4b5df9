"""A claim for money that somebody was paid too much: repaid in one part or several, or waived by a second person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import StringConstraints

from qingdan.money import Fen
from runtime.problems import Conflict, Forbidden, Refusal
from subsidy.payment_rules import Account

RecoveryId = UUID
RecoveryState = Literal["open", "recovered", "waived"]
MoveKind = Literal["claimed", "repaid", "waived"]
WaiverReason = Literal["hardship", "uncollectable", "too_small", "bank_took_it_back", "error"]
Receipt = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/-]{1,40}$")]
"""The number of the receipt: never a name or an account."""

MOVES: Final[Mapping[MoveKind, tuple[Account, Account]]] = {
    "claimed": ("paid", "recovery"),
    "repaid": ("recovery", "budget"),
    "waived": ("recovery", "paid"),
}
"""Which account the money leaves and which it enters. What is waived stays with those who were paid: it was spent."""


class ClaimEnded(Conflict):
    """Everything of this claim was repaid, or what was left is waived. 该追缴款已还清或已豁免。"""


class MoreThanOpen(Refusal):
    """This is more than is still to be repaid. 金额超过尚未归还的部分。

    The refusal says how much is open. 拒绝信息中注明了尚欠金额。
    """

    status = 422


class RepaidAlready(Conflict):
    """This receipt was entered for this claim already. 该收据已登记过。"""


class AnotherPersonWaives(Forbidden):
    """Who computed that somebody owes something does not waive it. 计算应追缴款的人不得豁免。

    Ask a colleague who approves. 请由另一位审批人办理。
    """


@dataclass(frozen=True, slots=True)
class Claim:
    """claimed_by: who computed that it is owed back."""

    id: RecoveryId
    amount_fen: Fen
    recovered_fen: Fen
    state: RecoveryState
    claimed_by: str
    version: int

    @property
    def open_fen(self) -> Fen:
        """What is still to be repaid."""
        return Fen(self.amount_fen - self.recovered_fen)


def repay(claim: Claim, amount_fen: Fen) -> RecoveryState:
    """The state after so much came back. Raises ClaimEnded, MoreThanOpen."""
    _require_open(claim)
    if amount_fen > claim.open_fen:
        raise MoreThanOpen(open_fen=claim.open_fen)
    return "recovered" if amount_fen == claim.open_fen else "open"


def waive(claim: Claim, waiver: str) -> Fen:
    """How much nobody asks for any more. Raises ClaimEnded, AnotherPersonWaives."""
    _require_open(claim)
    if waiver == claim.claimed_by:
        raise AnotherPersonWaives()
    return claim.open_fen


def _require_open(claim: Claim) -> None:
    if claim.state != "open":
        raise ClaimEnded(state=claim.state)
