"""A payment: what we do and what the bank says takes it from state to state; the books follow from the states.

Words of a bank come late, twice and out of order. Each is weighed, not counted: money that came back is more than money
that was paid, which is more than a refusal, which is more than silence. Money comes back because it could not stay, or
because the bank takes it back of its own doing; the latter, which says more, is the stronger of the two. So every order
of the same words ends in the same state. What contradicts a stronger word is an oddity for people to look into, and
changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Final, Literal, TypeAlias, get_args

from qingdan.bank_events import (
    PaymentRejected,
    PaymentReturned,
    PaymentReversed,
    PaymentSettled,
    PaymentStatusAnswered,
)
from qingdan.ids import BankCode, BatchId, PaymentId, RunId
from qingdan.money import Fen

PaymentState = Literal["prepared", "sent", "unknown", "settled", "rejected", "returned", "reversed"]
OurAct = Literal["send", "give_up", "fall_silent"]
BankWord = Literal[
    "settled",
    "rejected",
    "returned",
    "reversed",
    "answered_settled",
    "answered_rejected",
    "answered_returned",
    "answered_in_progress",
    "answered_never_received",
]
Account = Literal["budget", "payable", "in_transit", "paid", "returned", "recovery"]
Oddity = Literal[
    "unknown_payment",  # nobody here knows this payment
    "not_sent",  # it was never sent to any bank
    "foreign_bank",  # it was sent to another bank
    "wrong_batch",  # it was sent in another batch
    "wrong_amount",  # another amount than ours was moved
    "disputed",  # an answer without an amount, after another amount was named
    "repeated",  # the same result again
    "settled_twice",  # settled again, under another reference of the bank
    "settled_though_replaced",  # a refused payment was paid after all, when another had already taken its place
    "overtaken",  # true once, said too late
    "contradicted",  # what the bank said before cannot be true as well
    "after_close",  # it changed what the run was closed with
]
BankMessage: TypeAlias = PaymentSettled | PaymentRejected | PaymentReturned | PaymentReversed | PaymentStatusAnswered

STATES: Final[tuple[PaymentState, ...]] = get_args(PaymentState)
ACTS: Final[tuple[OurAct, ...]] = get_args(OurAct)
WORDS: Final[tuple[BankWord, ...]] = get_args(BankWord)
FINAL: Final[tuple[PaymentState, ...]] = ("settled", "rejected", "returned", "reversed")
UNPAID: Final[tuple[PaymentState, ...]] = ("rejected", "returned", "reversed")
"""Ends with the money with us: the obligation can be paid again, and every one of them has a reason."""
CAME_BACK: Final[tuple[PaymentState, ...]] = ("returned", "reversed")
"""Ends of payments whose money was with a bank; no word of a bank moves it after that."""

HELD_ON: Final[Mapping[PaymentState, Account]] = {
    "prepared": "payable",
    "sent": "in_transit",
    "unknown": "in_transit",
    "settled": "paid",
    "rejected": "payable",
    "returned": "returned",
    "reversed": "returned",
}
"""On which account the money of a payment lies in each state, and what a change of state moves it to.

What came back lies on `returned` until the same obligation is paid again, when the database takes it up to `payable`
(migration 0014), or its item is stopped. What was refused first, and then said to have come back, never left `payable`.
So did what an older version entered: where money that is with us lies is what the ledger says, never the state alone.
"""

NO_ACCOUNT: Final = "no_account"
IDENTITY_UNREADABLE: Final = "identity_unreadable"
ACCOUNT_NOT_VERIFIED: Final = "account_not_verified"
"""What a prepared payment waits for, as long as something is under way about its payee's account."""
HELD: Final = "held"
"""What a prepared payment waits for, as long as somebody has yet to decide whether it is paid."""
STOPPED: Final = "stopped"
"""Why a payment was never sent: it was decided that the item is not paid."""
NOT_STATED: Final = "not_stated"
"""Why a payment was rejected or returned, when the bank only answered that it was."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one act or word does to a payment: its next state, what is odd about it, whether to send it again."""

    state: PaymentState
    oddity: Oddity | None = None
    again: bool = False


def _row(state: PaymentState, **steps: Step) -> dict[OurAct | BankWord, Step]:
    """A row of the table: what is not named changes nothing and is nothing odd."""
    return {each: steps.get(each, Step(state)) for each in (*ACTS, *WORDS)}


def _odd(state: PaymentState, oddity: Oddity) -> Step:
    return Step(state, oddity)


_RESULTS: Final = {
    "settled": Step("settled"),
    "rejected": Step("rejected"),
    "returned": Step("returned"),
    "reversed": Step("reversed"),
    "answered_settled": Step("settled"),
    "answered_rejected": Step("rejected"),
    "answered_returned": Step("returned"),
}

TABLE: Final[Mapping[PaymentState, Mapping[OurAct | BankWord, Step]]] = {
    "prepared": _row(
        "prepared",
        send=Step("sent"),
        give_up=Step("rejected"),
        **{word: _odd("prepared", "not_sent") for word in WORDS},
    ),
    "sent": _row(
        "sent",
        fall_silent=Step("unknown"),
        **_RESULTS,
        answered_never_received=_odd("sent", "overtaken"),  # it went again since the bank was asked
    ),
    "unknown": _row(
        "unknown",
        **_RESULTS,
        answered_never_received=Step("sent", again=True),  # the one word that lets the same payment go again
    ),
    "settled": _row(
        "settled",
        settled=_odd("settled", "repeated"),
        rejected=_odd("settled", "contradicted"),
        returned=Step("returned"),
        reversed=Step("reversed"),
        answered_rejected=_odd("settled", "contradicted"),
        answered_returned=Step("returned"),
        answered_in_progress=_odd("settled", "overtaken"),
        answered_never_received=_odd("settled", "overtaken"),
    ),
    "rejected": _row(
        "rejected",
        settled=_odd("settled", "contradicted"),
        rejected=_odd("rejected", "repeated"),
        returned=_odd("returned", "contradicted"),
        reversed=_odd("reversed", "contradicted"),
        answered_settled=_odd("settled", "contradicted"),
        answered_returned=_odd("returned", "contradicted"),
        answered_in_progress=_odd("rejected", "overtaken"),
        answered_never_received=_odd("rejected", "overtaken"),
    ),
    "returned": _row(
        "returned",
        settled=_odd("returned", "overtaken"),
        rejected=_odd("returned", "contradicted"),
        returned=_odd("returned", "repeated"),
        reversed=_odd("reversed", "contradicted"),  # the same money does not come back twice
        answered_settled=_odd("returned", "overtaken"),
        answered_rejected=_odd("returned", "contradicted"),
        answered_in_progress=_odd("returned", "overtaken"),
        answered_never_received=_odd("returned", "overtaken"),
    ),
    "reversed": _row(
        "reversed",
        settled=_odd("reversed", "overtaken"),
        rejected=_odd("reversed", "contradicted"),
        returned=_odd("reversed", "contradicted"),
        reversed=_odd("reversed", "repeated"),
        answered_settled=_odd("reversed", "overtaken"),
        answered_rejected=_odd("reversed", "contradicted"),
        answered_in_progress=_odd("reversed", "overtaken"),
        answered_never_received=_odd("reversed", "overtaken"),
    ),
}
"""Every state and everything that can befall it. Nobody asks for a payment that has an end: an answer then that it was
never received is to a question from before it was sent again. An answer has one word for money that came back, whoever
sent it: `answered_returned` says nothing against `reversed`."""


_ASKED_FOR: Final[tuple[Oddity, ...]] = ("repeated", "overtaken")
"""Not odd of a payment that the bank was asked for: the answer, and the result once more, cross what it said before."""

_WORDS: Final[Mapping[type[BankMessage], BankWord]] = {
    PaymentSettled: "settled",
    PaymentRejected: "rejected",
    PaymentReturned: "returned",
    PaymentReversed: "reversed",
}
_ANSWERS: Final[Mapping[str, BankWord]] = {
    "settled": "answered_settled",
    "rejected": "answered_rejected",
    "returned": "answered_returned",
    "in_progress": "answered_in_progress",
    "never_received": "answered_never_received",
}


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as the bank's words meet it.

    bank and batch are None for one that was never sent. asked: the bank was asked for it. replaced: another attempt to
    pay the same obligation is alive or settled. run_closed: its run has been closed with this payment in it.
    """

    id: PaymentId
    run: RunId
    state: PaymentState
    amount_fen: Fen
    bank: BankCode | None
    batch: BatchId | None
    bank_reference: str | None
    reason: str | None
    ended_on: date | None
    disputed: bool
    asked: bool
    replaced: bool
    run_closed: bool


@dataclass(frozen=True, slots=True)
class Posting:
    """Money of one payment moves from one account to another."""

    payment: PaymentId
    kind: PaymentState | Literal["cancelled"]
    leaves: Account
    enters: Account


@dataclass(frozen=True, slots=True)
class Odd:
    """Something a bank said that does not fit; payment may be nobody's."""

    kind: Oddity
    bank: BankCode
    payment: PaymentId
    said: BankWord
    amount_fen: Fen | None
    bank_reference: str | None


@dataclass(slots=True)
class Heard:
    """What a run of messages comes to: payments as they are left, in the order of their ids."""

    changed: list[Payment]
    postings: list[Posting]
    odd: list[Odd]
    again: list[PaymentId]
    """Payments that the bank never received, to be sent again as they were."""


def posting(payment: PaymentId, before: PaymentState, after: PaymentState) -> Posting | None:
    """What a change of state moves in the books; None when the money stays where it is: also when a bank says that
    money came back that it had refused to take, for that may be with another attempt by now."""
    if before == "rejected" and after in CAME_BACK:
        return None
    leaves, enters = HELD_ON[before], HELD_ON[after]
    return Posting(payment, after, leaves, enters) if leaves != enters else None


def cancelling(payment: PaymentId, lies_on: Account) -> Posting:
    """A stopped item's money goes back to the budget, once no word of a bank can move it any more."""
    return Posting(payment, "cancelled", lies_on, "budget")


def hear(payments: Iterable[Payment], messages: Sequence[BankMessage], *, today: date) -> Heard:
    """Weigh messages in their order, against the payments that they name as far as there are any."""
    known = {payment.id: payment for payment in payments}
    before = dict(known)
    heard = Heard([], [], [], [])
    for message in messages:
        payment = known.get(message.payment)
        if payment is None:
            heard.odd.append(_oddity("unknown_payment", message))
            continue
        known[payment.id] = _weigh(payment, message, heard, today=today)
    heard.changed = [known[each] for each in sorted(known) if known[each] != before[each]]
    return heard


def word_of(message: BankMessage) -> BankWord:
    """The word that a message comes down to."""
    return _ANSWERS[message.status] if isinstance(message, PaymentStatusAnswered) else _WORDS[type(message)]


def digest(changed: Iterable[Payment]) -> str:
    """SHA-256 over what became of these payments, for the audit trail: one entry seals them all."""
    lines = (f"{payment.id} {payment.state} {payment.amount_fen}\n" for payment in changed)
    return sha256("".join(lines).encode()).hexdigest()


def _weigh(payment: Payment, message: BankMessage, heard: Heard, *, today: date) -> Payment:
    """The payment as the message leaves it; what else comes of it is added to `heard`."""
    word = word_of(message)
    if (mismatch := _mismatch(payment, message)) is not None:
        heard.odd.append(_oddity(mismatch, message))
        return replace(payment, disputed=True) if mismatch == "wrong_amount" else payment
    step = TABLE[payment.state][word]
    if step.state == "settled" and payment.state == "rejected" and payment.replaced:
        heard.odd.append(_oddity("settled_though_replaced", message))
        return payment
    reference = getattr(message, "bank_reference", None)
    if word == "settled" and payment.state == "settled" and payment.bank_reference != reference:
        if payment.bank_reference is None:  # the bank's answer came before its result, which brings the reference
            return replace(payment, bank_reference=reference)
        step = _odd(payment.state, "settled_twice")
    if payment.state == "returned" and payment.reason == NOT_STATED:  # an answer; its result says how it came back
        if isinstance(message, PaymentReturned):
            return replace(payment, reason=message.reason, bank_reference=reference, ended_on=message.returned_on)
        if word == "reversed":
            step = Step("reversed")
    if step.oddity is not None and not (payment.asked and step.oddity in _ASKED_FOR):
        heard.odd.append(_oddity(step.oddity, message))
    if step.again:
        heard.again.append(payment.id)
    if step.state == payment.state:
        return payment
    if payment.run_closed:
        heard.odd.append(_oddity("after_close", message))
    if (moved := posting(payment.id, payment.state, step.state)) is not None:
        heard.postings.append(moved)
    return replace(
        payment,
        state=step.state,
        bank_reference=reference or payment.bank_reference,
        reason=getattr(message, "reason", NOT_STATED) if step.state in UNPAID else None,
        ended_on=_ended_on(message, today) if step.state in FINAL else None,
        disputed=False,
    )


def _mismatch(payment: Payment, message: BankMessage) -> Oddity | None:
    """Why the message cannot be about this payment as we sent it."""
    if payment.bank is None:
        return "not_sent"
    if message.bank != payment.bank:
        return "foreign_bank"
    if message.batch != payment.batch:
        return "wrong_batch"
    if getattr(message, "amount_fen", payment.amount_fen) != payment.amount_fen:
        return "wrong_amount"
    if isinstance(message, PaymentStatusAnswered) and payment.disputed and message.status in ("settled", "returned"):
        return "disputed"
    return None


def _ended_on(message: BankMessage, today: date) -> date:
    match message:
        case PaymentSettled():
            return message.settled_on
        case PaymentRejected():
            return message.rejected_on
        case PaymentReturned():
            return message.returned_on
        case PaymentReversed():
            return message.reversed_on
    return today


def _oddity(kind: Oddity, message: BankMessage) -> Odd:
    return Odd(
        kind=kind,
        bank=message.bank,
        payment=message.payment,
        said=word_of(message),
        amount_fen=getattr(message, "amount_fen", None),
        bank_reference=getattr(message, "bank_reference", None),
    )
