"""A bank's daily statements: how they follow on each other, and what becomes of each difference from our books."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NewType
from uuid import UUID

from runtime.problems import Conflict, Forbidden, Refusal
from subsidy.camt053_rules import DailyStatement

DailyStatementId = NewType("DailyStatementId", UUID)

DailyDifferenceKind = Literal[
    "not_on_statement",  # ours ended that day, and no statement has it
    "not_ours",  # the statement moves money for nothing that we know
    "listed_twice",  # the same movement of the same payment again
    "status_differs",  # money moved, and our books say otherwise
    "amount_differs",
    "reference_differs",
]
DifferenceState = Literal["open", "explained", "confirmed", "gone"]
Explanation = Literal["bank_fee", "funding", "bank_error", "our_error", "late_result", "other"]

NOTE_MAX: Final = 500


class StatementTakenAlready(Conflict):
    """The statement of this day, or of this number, has been taken. 该日或该编号的对账单已经导入。"""


class StatementOverlaps(Conflict):
    """The statement is of a day before the newest one taken. 对账单日期早于已导入的最新对账单。

    Statements are taken in the order of their days. 请按日期顺序导入对账单。
    """


class StatementLeavesGap(Conflict):
    """The opening balance is not the closing balance of the statement before. 期初余额与上一份对账单的期末余额不衔接。

    A statement between them is missing: take it first. 中间缺少对账单，请先导入缺少的部分。
    """


class StatementOfTomorrow(Refusal):
    """The day of the statement has not come yet. 对账单日期晚于今天。"""

    status = 422


class OtherAccount(Refusal):
    """The statement is of another account than the county pays from. 对账单账户不是该县的付款账户。"""

    status = 422


class DifferenceNotThere(Conflict):
    """The difference is not in the state that this needs. 该差异的状态不允许此操作。"""


class SecondLookNeeded(Forbidden):
    """Who explained a difference does not confirm it. 说明差异的人不得复核该差异。

    Ask a colleague who approves. 请由另一位审批人复核。
    """


@dataclass(frozen=True, slots=True)
class Before:
    """The newest statement of the same account."""

    number: str
    on: date
    closing_fen: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference as the rules see it."""

    id: int
    state: DifferenceState
    explained_by: str | None
    version: int


def take(statement: DailyStatement, before: Before | None, *, debtor_account: str | None, today: date) -> None:
    """Whether the statement follows on the one before; the first of an account follows on nothing.

    Raises StatementOfTomorrow, OtherAccount, StatementTakenAlready, StatementOverlaps, StatementLeavesGap.
    """
    if statement.on > today:
        raise StatementOfTomorrow()
    if debtor_account is not None and statement.account != debtor_account:
        raise OtherAccount()
    if before is None:
        return
    if statement.on == before.on or statement.number == before.number:
        raise StatementTakenAlready(on=str(before.on))
    if statement.on < before.on:
        raise StatementOverlaps(on=str(statement.on), newest=str(before.on))
    if statement.opening_fen != before.closing_fen:
        raise StatementLeavesGap(
            before=str(before.on), closing_fen=before.closing_fen, opening_fen=statement.opening_fen
        )


def explain(difference: Difference) -> None:
    """An explanation can be given and given anew until somebody confirms it. Raises DifferenceNotThere."""
    if difference.state not in ("open", "explained"):
        raise DifferenceNotThere(state=difference.state)


def confirm(difference: Difference, confirmer: str) -> None:
    """Somebody else looks at the explanation. Raises DifferenceNotThere, SecondLookNeeded."""
    if difference.state != "explained":
        raise DifferenceNotThere(state=difference.state)
    if difference.explained_by == confirmer:
        raise SecondLookNeeded()
