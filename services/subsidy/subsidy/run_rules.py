"""A run of a month: what state it is in, and who may take it to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal
from uuid import UUID

from qingdan.divisions import DivisionCode
from qingdan.ids import OpenCode, RunId
from qingdan.money import FenTotal
from qingdan.subsidy_events import (
    Outcome,
    Period,
    ProgrammeTotals,
    RunApproved,
    RunClosed,
    RunFrozen,
    RunPaying,
    RunReturned,
    RunTotals,
)
from runtime.problems import Conflict, Forbidden, Refusal

RunState = Literal["previewed", "frozen", "approved", "paying", "closed"]

NOTICE_MAX: Final = timedelta(days=90)


class RunNotThere(Conflict):
    """The run is not in the state that this needs. 发放批次的状态不允许此操作。

    Read the run: its state says what comes next. 请查看批次，其状态说明下一步。
    """


class NothingToPay(Conflict):
    """Nobody is entitled to anything in this run. 本批次没有任何应发对象。"""


class NoticeOutOfReach(Refusal):
    """The notice ends today or within ninety days. 公示截止日须为今天起九十天之内。"""

    status = 422


class NoticeRunning(Conflict):
    """The public notice has not ended yet. 公示期尚未结束。"""


class SecondPersonNeeded(Forbidden):
    """Who prepared or froze a run neither approves it nor pays again. 编制或冻结批次的人不得审批或重新支付。

    Ask a colleague who approves. 请由另一位审批人办理。
    """


class WholeCountyNeeded(Forbidden):
    """Only who sees all departments prepares, freezes or approves a run.
    只有能看到所有部门数据的人才能编制、冻结或审批批次。
    """


class ApprovedAlready(Conflict):
    """You have approved this run; it needs another person beside you. 您已审批过该批次，尚需另一位审批人。"""


class RunBeingEntered(Conflict):
    """What was approved before is still being entered. 上一批次仍在入账。

    A month depends on what was paid before: try again when GET /v1/runs/{run}/progress says that it is entered.
    本月金额依赖上期结果，请在进度显示入账完成后重试。
    """


class HashDiffers(Conflict):
    """This is not the hash of what was frozen. 哈希值与冻结内容不符。

    Look at the run again, and decide on what you see. 请重新查看批次，再就所见内容办理。
    """


class NothingToPayAgain(Conflict):
    """No payment of this run was rejected or returned that is to be paid once more. 本批次没有需要重新支付的款项。

    `left_out` says what is unpaid all the same, and why. 未支付的款项及原因见 left_out。
    """


class NoStatement(Conflict):
    """There is no statement of the bank for this run yet. 尚无银行对账单。"""


class RunNotDone(Conflict):
    """The run cannot be closed yet; the document says what is missing. 批次尚不能关闭，详见所列原因。"""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the rules see it; who froze or approved it is None until somebody did."""

    id: RunId
    division: DivisionCode
    division_id: int
    period: Period
    state: RunState
    programme_version: int
    prepared_by: str
    frozen_by: str | None
    approved_by: str | None
    frozen_hash: bytes | None
    notice_until: date | None
    version: int
    approvals_needed: int = 1
    frozen_items: int | None = None
    frozen_fen: FenTotal | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run's payments have come. sent: attempts that went to a bank, which all have an end in a closed run.

    reversed: of those returned, what the bank took back of its own doing.
    """

    open: int
    sent: Outcome
    settled: Outcome
    rejected: Outcome
    returned: Outcome
    reversed: Outcome


def require_whole_county(department: str | None) -> None:
    """Who sees one department's rows only would prepare, freeze or approve a part unknowingly.

    Raises WholeCountyNeeded.
    """
    if department is not None:
        raise WholeCountyNeeded()


def require_frozen(run: Run) -> bytes:
    """The hash that it was frozen under. Raises RunNotThere."""
    _require(run, "frozen", "approved", "paying", "closed")
    assert run.frozen_hash is not None  # what was frozen has one
    return run.frozen_hash


def approvals_needed(total_fen: int, *, third_person_from_fen: int) -> int:
    """How many people must approve, beside those who prepared and froze: from that amount on two."""
    return 2 if total_fen >= third_person_from_fen else 1


def require_open(run: Run) -> None:
    """Raises RunNotThere unless the run can still be frozen."""
    _require(run, "previewed")


def freeze(run: Run, totals: ProgrammeTotals, frozen_hash: bytes, *, notice_until: date, today: date) -> RunFrozen:
    """From now on nothing in the run changes; the public notice lasts until `notice_until`, today at the earliest.
    `frozen_hash` stands for everything that the run entitles to.

    Raises RunNotThere, NothingToPay, NoticeOutOfReach.
    """
    _require(run, "previewed")
    if not totals:
        raise NothingToPay()
    if not today <= notice_until <= today + NOTICE_MAX:
        raise NoticeOutOfReach(earliest=str(today), latest=str(today + NOTICE_MAX))
    return RunFrozen(
        run=run.id,
        division=run.division,
        period=run.period,
        programmes=totals,
        frozen_on=today,
        notice_until=notice_until,
        frozen_hash=frozen_hash.hex(),
    )


def approve(run: Run, approver: str, *, seen: bytes, approved_by: Sequence[str], today: date) -> RunApproved | None:
    """Another person approves exactly what was frozen: `seen` is the hash that they name. None: one more is needed.

    approved_by: those who approved before. Raises RunNotThere, SecondPersonNeeded, ApprovedAlready, HashDiffers,
    NoticeRunning.
    """
    _require(run, "frozen")
    _require_second_person(run, approver)
    if approver in approved_by:
        raise ApprovedAlready()
    if seen != run.frozen_hash:
        raise HashDiffers()
    assert run.notice_until is not None  # a frozen run has one
    if today < run.notice_until:
        raise NoticeRunning(notice_until=str(run.notice_until))
    approvals = len(approved_by) + 1
    if approvals < run.approvals_needed:
        return None
    return RunApproved(run=run.id, division=run.division, period=run.period, approved_on=today, approvals=approvals)


def give_back(run: Run, *, seen: bytes, reason: OpenCode, today: date) -> RunReturned:
    """A frozen run is a preview again: `seen` is the hash that they name. Raises RunNotThere, HashDiffers."""
    _require(run, "frozen")
    if seen != run.frozen_hash:
        raise HashDiffers()
    return RunReturned(
        run=run.id,
        division=run.division,
        period=run.period,
        frozen_hash=seen.hex(),
        reason=reason,
        returned_on=today,
    )


def paying(run: Run, sent: Outcome, *, today: date) -> RunPaying:
    """Everything that was prepared has gone to the bank; told again when more was prepared since."""
    return RunPaying(run=run.id, division=run.division, period=run.period, instructed=sent, paying_on=today)


def pay_again(run: Run, approver: str) -> None:
    """Whether what was rejected or returned may be paid once more: of a closed run too, which is open again then.

    Raises RunNotThere, SecondPersonNeeded.
    """
    _require(run, "paying", "closed")
    _require_second_person(run, approver)


def take_statement(run: Run) -> None:
    """Raises RunNotThere."""
    _require(run, "paying")


def reconcile(run: Run, statement: UUID | None) -> UUID:
    """The statement to compare with. Raises RunNotThere, NoStatement."""
    _require(run, "paying")
    if statement is None:
        raise NoStatement()
    return statement


def close(run: Run, standing: Standing, *, reconciled: bool, differences: int, today: date) -> RunClosed:
    """The end of a run: every payment has one, and the bank's statement says the same of each, now as when it was
    reconciled.

    Somebody may still be unpaid, for want of an account say: what the county owes them stays on `payable` or
    `returned` and can be paid again at any time. Raises RunNotThere, RunNotDone.
    """
    _require(run, "paying")
    if standing.open or not reconciled or differences:
        raise RunNotDone(open_payments=standing.open, reconciled=reconciled, differences=differences)
    totals = RunTotals(
        instructed=standing.sent,
        settled=standing.settled,
        rejected=standing.rejected,
        returned=standing.returned,
        reversed=standing.reversed,
    )
    return RunClosed(run=run.id, division=run.division, period=run.period, totals=totals, closed_on=today)


def _require(run: Run, *states: RunState) -> None:
    if run.state not in states:
        raise RunNotThere(state=run.state)


def _require_second_person(run: Run, approver: str) -> None:
    if approver in (run.prepared_by, run.frozen_by):
        raise SecondPersonNeeded()
