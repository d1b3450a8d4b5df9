"""The teller: what the bank does with each message, written into its book; nothing is sent from here."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid5

from devkit.bank.book import Book, Payment
from devkit.bank.references import reference
from devkit.bank.settings import Behaviour
from devkit.records.identities import CLOSED
from qingdan.bank_events import (
    AccountChecked,
    AccountCheckRequested,
    AccountToCheck,
    BatchDeclared,
    PaymentInstructed,
    PaymentOrder,
    PaymentRejected,
    PaymentReturned,
    PaymentReversed,
    PaymentSettled,
    PaymentStatusAnswered,
    PaymentStatusRequested,
)
from qingdan.envelope import Envelope, EventBody, party_source, to_record
from qingdan.ids import BatchId, PaymentId
from qingdan.money import Fen
from qingdan.sealed import Sealed, WrappedKey
from runtime.clock import business_date, utcnow
from runtime.ids import new_id
from runtime.sealing import ContentKey, PrivateKeys, Unsealable, unseal, unwrap

UNKNOWN_FEN: Final = Fen(12_345)
BACK: Final = ("returned", "reversed")
DUE_PER_TURN_MAX: Final = 1_000


class Teller:
    """Works one bank's messages. Call it inside a transaction of the book."""

    def __init__(self, book: Book, code: str, keys: PrivateKeys, behaviour: Behaviour) -> None:
        self._book = book
        self._code = code
        self._behaviour = behaviour
        self._source = party_source(f"bank:{code.lower()}")
        self._content_key: Callable[[str, str], ContentKey] = lru_cache(maxsize=64)(
            lambda wrapped, cipher: unwrap(WrappedKey.model_validate_json(wrapped), keys, cipher)
        )

    def take(self, event: Envelope[EventBody]) -> None:
        """One event, unless it was taken before: then what follows from it is in the book."""
        if not self._book.hear(f"{event.source} {event.id}"):
            return
        match event.data:
            case BatchDeclared() as declared:
                self._declare(declared)
            case PaymentInstructed() as instructed:
                self._instruct(instructed, event.id)
            case PaymentStatusRequested() as asked:
                self._answer_status(asked)
            case AccountCheckRequested() as asked:
                self._check(asked, event.id)

    def work_due(self) -> None:
        """What was to happen later and is due: delayed payments are worked, money comes back."""
        for payment in self._book.payments_due(now_ms(), DUE_PER_TURN_MAX):
            self._move(payment)

    # -- messages -----------------------------------------------------------------------------------------------------

    def _declare(self, declared: BatchDeclared) -> None:
        key = declared.key.model_dump_json()
        if not self._book.declare(declared.batch, declared.count, declared.total_fen, key):
            self._book.count("batches_declared_again")
        for event_id, body in self._book.take_up(declared.batch):
            self._instruct(PaymentInstructed.model_validate_json(body), event_id)

    def _instruct(self, instructed: PaymentInstructed, event_id: str) -> None:
        known = self._book.payment(instructed.payment)
        if known is not None:
            self._repeat(known, instructed)
            return
        if self._behaviour.happens("swallows", event_id):
            self._book.count("swallowed")
            return
        if self._book.key_of(instructed.batch) is None:
            self._book.put_aside(instructed.payment, instructed.batch, event_id, instructed.model_dump_json())
            return
        payment = self._judged(instructed)
        self._book.enter(payment)
        if self._behaviour.happens("unknown", str(payment.id)):
            self._settle_somebody_unknown(payment)
        if payment.next_ms is not None and payment.next_ms <= now_ms():
            self._move(payment)

    def _judged(self, instructed: PaymentInstructed) -> Payment:
        """A new payment in progress, with what will become of it and when."""
        delayed = self._behaviour.happens("delays", str(instructed.payment))
        due_ms = now_ms() + (round(self._behaviour.delay_s * 1000) if delayed else 0)
        order = self._opened(instructed)
        status, reason = self._verdict(instructed, order)
        return Payment(
            id=instructed.payment,
            batch=instructed.batch,
            seq=instructed.seq,
            amount_fen=order.amount_fen if order else None,
            account=order.account.masked() if order else None,
            status="in_progress",
            next_status=status,
            next_reason=reason,
            next_ms=due_ms,
        )

    def _verdict(self, instructed: PaymentInstructed, order: PaymentOrder | None) -> tuple[str, str | None]:
        if order is None:
            return "rejected", "unreadable"
        if (order.payment, order.batch, order.seq) != (instructed.payment, instructed.batch, instructed.seq):
            return "rejected", "inconsistent"
        if order.account.reveal().endswith(CLOSED):
            return "rejected", "account_closed"
        if self._behaviour.happens("rejects", str(instructed.payment)):
            return "rejected", "not_accepted"
        return "settled", None

    def _opened(self, instructed: PaymentInstructed) -> PaymentOrder | None:
        """None for an order that the batch's key does not open."""
        wrapped = self._book.key_of(instructed.batch)
        sealed: Sealed = instructed.sealed
        if wrapped is None:
            return None
        try:
            key = self._content_key(wrapped, sealed.cipher)
            return unseal(key, sealed, PaymentOrder, event_type=instructed.event_type(), event_key=instructed.event_key)
        except Unsealable:
            return None

    def _repeat(self, known: Payment, instructed: PaymentInstructed) -> None:
        """Instructed twice is paid once: what became of it is said again."""
        self._book.change(replace(known, times_instructed=known.times_instructed + 1))
        order = self._opened(instructed)
        if order is None or order.amount_fen != known.amount_fen:
            self._book.count("instructed_otherwise")
        self._tell_all(known)

    def _answer_status(self, asked: PaymentStatusRequested) -> None:
        self._book.count("status_requests")
        known = self._book.payment(asked.payment)
        if known is not None:
            self._tell_all(known)
            status = "returned" if known.status == "reversed" else known.status  # an answer has no word of its own
        else:
            status = "in_progress" if self._book.waits(asked.payment) else "never_received"
        self._answer_with_status(asked.payment, asked.batch, status)

    # -- whose an account is -------------------------------------------------------------------------------------------

    def _check(self, asked: AccountCheckRequested, event_id: str) -> None:
        """The same account is answered in the same way each time; silence is of one question."""
        self._book.count("accounts_checked")
        if self._behaviour.happens("check_silent", event_id):
            self._book.count("checks_kept_silent")
            return
        matches, reason = self._owner(asked)
        said = {"bank": self._code, "check": asked.check, "owner_matches": matches, "reason": reason}
        self._queue(AccountChecked(**said, checked_on=business_date(utcnow())))

    def _owner(self, asked: AccountCheckRequested) -> tuple[bool | None, str | None]:
        """Whether the account is its owner's, and why not; None: it cannot be told."""
        sealed: Sealed = asked.sealed
        try:
            key = self._content_key(asked.key.model_dump_json(), sealed.cipher)
            opened = unseal(key, sealed, AccountToCheck, event_type=asked.event_type(), event_key=asked.event_key)
        except Unsealable:
            return None, "unreadable"
        if opened.check != asked.check:
            return None, "inconsistent"
        if opened.account.reveal().endswith(CLOSED):
            return False, "account_closed"
        if self._behaviour.happens("mismatches", str(asked.check)):
            return False, "owner_differs"
        return True, None

    # -- what becomes of a payment ------------------------------------------------------------------------------------

    def _move(self, payment: Payment) -> None:
        """To its next status, told or not; of the settled some are returned later."""
        assert payment.next_status is not None
        moved = replace(
            payment,
            status=payment.next_status,
            reason=payment.next_reason,
            next_status=None,
            next_reason=None,
            next_ms=None,
        )
        if moved.status == "settled" and (back := self._how_it_comes_back(moved)) is not None:
            after_ms = round(self._behaviour.return_after_s * 1000)
            moved = replace(moved, next_status=back[0], next_reason=back[1], next_ms=now_ms() + after_ms)
        self._book.change(moved)
        if moved.status != "rejected":
            assert moved.amount_fen is not None
            self._book.transfer(moved.id, moved.amount_fen if moved.status == "settled" else -moved.amount_fen)
        self._announce(moved)

    def _how_it_comes_back(self, payment: Payment) -> tuple[str, str] | None:
        """Status and reason of what will become of the settled payment; None when the money stays."""
        if self._behaviour.happens("returns", str(payment.id)):
            return "returned", "account_dormant"
        if self._behaviour.happens("reverses", str(payment.id)):
            return "reversed", "booked_in_error"
        return None

    def _announce(self, payment: Payment) -> None:
        """The result, as well or badly as the bank tells it."""
        happens, payment_id = self._behaviour.happens, str(payment.id)
        if happens("silent", payment_id):
            if payment.status in BACK:
                self._tell_all(payment)  # that money came back is never kept silent
            else:
                self._book.count("kept_silent")
            return
        disordered = happens("out_of_order", payment_id)
        if disordered and payment.status == "settled" and payment.next_status in BACK:
            return  # it is told after the money came back
        self._queue(self._result(payment, payment.status))
        if disordered and payment.status in BACK:
            self._book.count("told_out_of_order")
            self._queue(self._result(payment, "settled"))
        elif disordered:
            self._book.count("told_out_of_order")
            self._answer_with_status(payment.id, payment.batch, "in_progress")
        if happens("repeats", payment_id):
            self._book.count("told_twice")
            self._queue(self._result(payment, payment.status), later_ms=round(self._behaviour.delay_s * 1000))

    def _tell_all(self, payment: Payment) -> None:
        """All that has happened to it, in order."""
        if payment.status in BACK:
            self._queue(self._result(payment, "settled"))
        if payment.status != "in_progress":
            self._queue(self._result(payment, payment.status))

    def _settle_somebody_unknown(self, beside: Payment) -> None:
        """The result of a payment and a batch that nobody ever instructed."""
        self._book.count("told_of_unknown")
        payment = Payment(uuid5(beside.id, "unknown"), uuid5(beside.batch, "unknown"), 1, UNKNOWN_FEN, None, "settled")
        self._queue(self._result(payment, "settled"))

    # -- answers ------------------------------------------------------------------------------------------------------

    def _result(self, payment: Payment, status: str) -> EventBody:
        whose = {"bank": self._code, "payment": PaymentId(payment.id), "batch": BatchId(payment.batch)}
        today = business_date(utcnow())
        if status == "rejected":
            return PaymentRejected(**whose, reason=payment.reason or "not_accepted", rejected_on=today)
        assert payment.amount_fen is not None
        paid = {"amount_fen": Fen(payment.amount_fen), "bank_reference": reference(self._code, payment.id)}
        if status == "settled":
            return PaymentSettled(**whose, **paid, settled_on=today)
        reason = payment.reason or "not_accepted"
        if status == "reversed":
            return PaymentReversed(**whose, **paid, reason=reason, reversed_on=today)
        return PaymentReturned(**whose, **paid, reason=reason, returned_on=today)

    def _answer_with_status(self, payment: UUID, batch: UUID, status: str) -> None:
        answered = {"bank": self._code, "payment": payment, "batch": batch, "status": status}
        self._queue(PaymentStatusAnswered(**answered, answered_at=utcnow()))

    def _queue(self, event: EventBody, *, later_ms: int = 0) -> None:
        envelope = Envelope.of(event, id=str(new_id()), source=self._source, time=utcnow())
        self._book.queue(to_record(envelope), now_ms() + later_ms)


def now_ms() -> int:
    """The present as the book keeps time."""
    return round(utcnow().timestamp() * 1000)
