"""How far a run has come: its steps, how fast the one under way goes, and what the run waits for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from qingdan.ids import RunId
from subsidy.run_rules import RunState

StepName = Literal["preview", "notice", "approve", "enter", "send", "bank", "close"]
StepState = Literal["waiting", "going", "done", "halted"]
WaitCode = Literal["freeze", "notice", "approval", "hash_differs", "account", "held", "bank", "closing"]

WORDS: Final[dict[WaitCode, tuple[str, str]]] = {
    "freeze": ("等待财务核对并冻结公示", "finance looks at it, and freezes it for public notice"),
    "notice": ("公示期未满", "the public notice runs"),
    "approval": ("等待另一位审批人审批", "another person approves it"),
    "hash_differs": (
        "冻结内容与审批的哈希值不符，已停止入账，请查明原因",
        "what is frozen is not what was approved: nothing is entered until somebody has found out why",
    ),
    "account": ("收款账户尚未核验", "accounts of payees are being verified"),
    "held": ("款项被暂停发放", "items are held until they are decided"),
    "bank": ("等待银行答复", "the bank answers"),
    "closing": ("等待导入对账单、对账并结案", "finance takes the bank's statement, reconciles and closes it"),
}


class Step(BaseModel):
    """A step of a run. rate_per_s and seconds_left are there while it goes on."""

    step: StepName
    state: StepState
    done: int
    total: int
    rate_per_s: float | None = Field(default=None, description="since the step began")
    seconds_left: int | None = None


class Wait(BaseModel):
    """What the run waits for."""

    code: WaitCode
    zh: str
    en: str
    many: int = Field(description="how many items, or approvals; 0: the run as a whole")
    until: date | None = None


class Progress(BaseModel):
    """How far a run has come. It is at its end, or goes on, or waits for something."""

    run: RunId
    state: RunState
    steps: list[Step]
    waits_for: list[Wait]

    @property
    def ended(self) -> bool:
        """Nothing changes any more."""
        return self.state == "closed" and not self.waits_for


@dataclass(frozen=True, slots=True)
class Standing:
    """A run's counts at one moment. items: what was frozen. entering: entitlements looked at; of all, and since when.

    to_send: may go now; waiting, held: prepared, and for an account or for a decision. ended: an end that was told.
    """

    run: RunId
    state: RunState
    notice_until: date | None
    approvals: int
    approvals_needed: int
    items: int
    entered: int
    entering_since: datetime | None
    halted: bool
    payments: int
    to_send: int
    waiting: int
    held: int
    sent: int
    ended: int
    sending_since: datetime | None
    now: datetime


def progress(at: Standing, *, today: date) -> Progress:
    """Every step with its share done, and what comes next."""
    frozen = at.state != "previewed"
    approved = frozen and at.state != "frozen"
    open_to_notice = at.state == "frozen" and at.notice_until is not None and today < at.notice_until
    answered = at.ended if at.sent else 0
    going = [
        _step("preview", 1, 1),
        _step("notice", int(frozen and not open_to_notice), 1),
        _step("approve", at.approvals_needed if approved else at.approvals, at.approvals_needed),
        _timed("enter", at.entered, at.items if approved else 0, at.entering_since, at.now, halted=at.halted),
        _timed("send", at.sent, at.sent + at.to_send, at.sending_since, at.now),
        _timed("bank", answered, at.sent, at.sending_since, at.now),
        _step("close", int(at.state == "closed"), 1),
    ]
    return Progress(run=at.run, state=at.state, steps=going, waits_for=list(_waits(at, open_to_notice=open_to_notice)))


def _waits(at: Standing, *, open_to_notice: bool) -> Sequence[Wait]:
    if at.state == "previewed":
        return [_wait("freeze")]
    if at.state == "frozen":
        running = [_wait("notice", until=at.notice_until)] if open_to_notice else []
        return [*running, _wait("approval", at.approvals_needed - at.approvals)]
    if at.halted:
        return [_wait("hash_differs")]
    unanswered = at.sent - at.ended
    counts: Sequence[tuple[WaitCode, int]] = (("account", at.waiting), ("held", at.held), ("bank", unanswered))
    found = [_wait(code, many) for code, many in counts if many > 0]
    if found or at.state != "paying" or at.to_send:
        return found
    return [_wait("closing")]


def _wait(code: WaitCode, many: int = 0, until: date | None = None) -> Wait:
    zh, en = WORDS[code]
    return Wait(code=code, zh=zh, en=en, many=many, until=until)


def _step(name: StepName, done: int, total: int) -> Step:
    state: StepState = "done" if total and done >= total else "going" if done else "waiting"
    return Step(step=name, state=state, done=done, total=total)


def _timed(
    name: StepName, done: int, total: int, since: datetime | None, now: datetime, *, halted: bool = False
) -> Step:
    step = _step(name, done, total)
    if halted:
        step.state = "halted"
    elif step.state == "going" and since is not None:
        elapsed_s = max((now - since).total_seconds(), 0.001)
        step.rate_per_s = round(done / elapsed_s, 1)
        step.seconds_left = round((total - done) * elapsed_s / done)
    return step
